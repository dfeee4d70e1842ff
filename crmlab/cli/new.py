"""`crmlab new`: start a notebook for a question of one's own."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command()
@click.argument("question")
@click.option(
    "--chapter",
    type=click.IntRange(0, 9),
    default=0,
    show_default=True,
    help="Chapter: 0 customer base, 1 segmentation, 2 satisfaction, 3 loyalty and churn, 4 lifecycle and value, "
    "5 personalisation, 6 campaigns, 7 market, 8 risk, 9 case study.",
)
@click.option("--scratch", is_flag=True, help="Write to notebooks/scratch, which git ignores.")
@click.option("--notebooks", default="", help="Folder of the notebooks.  [default: the project's]")
def command(question: str, chapter: int, scratch: bool, notebooks: str) -> None:
    """Start a notebook for QUESTION from a template that runs as it is."""
    from pathlib import Path

    from crmlab.bank.engine import project_folder
    from crmlab.reporting.start import start_notebook

    folder = Path(notebooks) if notebooks else project_folder() / "notebooks"
    path = start_notebook(folder / "scratch" if scratch else folder, question, chapter=None if scratch else chapter)
    run = str(path) if scratch else path.stem
    click.echo(f"Wrote {path}\nOpen it in JupyterLab, or run it: crmlab run {run}")
