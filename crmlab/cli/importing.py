"""`crmlab import`: turn a public data set or a flat file into a bank."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(name="import", no_args_is_help=True)
@click.argument("name", metavar="NAME")
@click.argument("path", type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Folder to write; new, empty or from an earlier import.")
@click.option(
    "--mapping", type=click.Path(), help="flat: YAML file that names the columns (data/mappings has examples)."
)
@click.option("--label", help="flat: column that says who was lost (1) and who stayed (0).")
@click.option("--snapshot-on", help="flat: day the file describes, YYYY-MM-DD.")
@click.option("--force", is_flag=True, help="Write into a folder that holds other files too; they stay.")
def command(
    name: str, path: str, out: str, mapping: str | None, label: str | None, snapshot_on: str | None, force: bool
) -> None:
    """Turn a data set into a bank that every command reads.

    \b
    NAME is one of
      berka  the Czech bank of the PKDD'99 challenge; PATH is the folder of its files (.asc or .csv)
      flat   one file with one row a customer; PATH is the file
    """
    from crmlab.bank.adapters import import_bank

    report = import_bank(name, path, out, force=force, mapping=mapping, label=label, snapshot_on=snapshot_on)
    click.echo(report.text)
    click.echo(f"{report.bank['name']} is in {out}; the account of the import is {out}/import_report.md")
