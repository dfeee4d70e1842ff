"""`crmlab present`: write the deck of a run."""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command()
@click.argument("run")
@click.option("--case", default="", metavar="NOTEBOOK", help="Case study, or one question.  [default: the case study]")
@click.option("--language", default="en", help="en or zh: of what stands around the findings.  [default: en]")
def command(run: str, case: str, language: str) -> None:
    """Write the deck of a run: HTML, PowerPoint and, where Chromium is installed, PDF.

    RUN is the folder that crmlab run names at its end. Exits with 0 when all is there, 1 when a question failed (the
    deck is made and says so), 2 when there is nothing to present.
    """
    from crmlab.presenting import present

    done = present(run, case=case, language=language)
    for remark in done.remarks:
        click.echo(f"crmlab: {remark}", err=True)
    for missing in done.missing:
        click.echo(f"Missing: {missing}")
    click.echo(f"{done.slides} slides and an appendix.")
    for path in done.files:
        click.echo(f"  {path}")
    if done.missing:
        sys.exit(1)
