"""`crmlab import`: turn a public data set or a flat file into a bank."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(name="import", no_args_is_help=True)
@click.argument("name", metavar="NAME")
@click.argument("path", type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Folder to write; new, empty or from an earlier import.")
@click.option(
    "--mapping", type=click.Path(), help="flat, survey: YAML file that names the columns (data/mappings has examples)."
)
@click.option("--label", help="flat: column that says who was lost (1) and who stayed (0).")
@click.option("--snapshot-on", help="flat: day the file describes, YYYY-MM-DD.")
@click.option("--questionnaire", help="survey: name in data/questionnaires, or a .yml file, of what was asked.")
@click.option("--wave", help='survey: wave of every row, such as "yearly 2024".')
@click.option("--wave-column", help="survey: column that says the wave of a row.")
@click.option("--answered-on", help="survey: day of the answers, YYYY-MM-DD, where no column says it.")
@click.option("--id", "id_column", help="survey: column that says which customer answered.")
@click.option("--weight", "weight_column", help="survey: column with the survey weight.")
@click.option("--missing", help="survey: signs for an answer not given, with commas between (99,-1,NA).")
@click.option("--force", is_flag=True, help="Write into a folder that holds other files too; they stay.")
def command(name: str, path: str, out: str, force: bool, **options: str | None) -> None:
    """Turn a data set into a bank that every command reads.

    \b
    NAME is one of
      berka   the Czech bank of the PKDD'99 challenge; PATH is the folder of its files (.asc or .csv)
      flat    one file with one row a customer; PATH is the file
      survey  one file of answers with one row a respondent; PATH is the file
    """
    from crmlab.bank.adapters import import_bank

    report = import_bank(name, path, out, force=force, **options)
    click.echo(report.text)
    click.echo(f"{report.bank['name']} is in {out}; the account of the import is {out}/import_report.md")
