"""`crmlab run`: answer questions about a bank and write the report."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["command"]


@click.command()
@click.argument("notebook", nargs=-1)
@click.option("--source", default="", help="Bank to read: folder, DuckDB file or bank.yml.  [default: data/simulated]")
@click.option("--as-of", default="", metavar="YYYY-MM-DD", help="Use what was known that day.  [default: the last day]")
@click.option("--out", default="", help="Folder of the report.  [default: reports/<bank>-<as of>]")
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Set a parameter; see crmlab list.")
@click.option("--jobs", type=int, default=0, help="Notebooks at the same time.  [default: number of cores]")
@click.option("--fresh", is_flag=True, help="Run everything again, even where nothing changed.")
@click.option("--notebooks", default="", help="Folder of the notebooks.  [default: the project's]")
@click.option("--previous", default="", help="Folder of an earlier run of the bank: say what changed since.")
@click.option("--language", default="en", help="zh: every page in Chinese too.  [default: en]")
def command(
    notebook: tuple[str, ...],
    source: str,
    as_of: str,
    out: str,
    parameters: tuple[str, ...],
    jobs: int,
    fresh: bool,
    notebooks: str,
    previous: str,
    language: str,
) -> None:
    """Answer questions about a bank and write the report.

    NOTEBOOK is a name or its beginning (00, 10_segments_wealth); none means all. What is unchanged since the last run
    is used again, and a run that was interrupted goes on where it stopped.
    """
    from rich.console import Console

    from crmlab.bank.engine import project_folder
    from crmlab.findings.telling import teller
    from crmlab.reporting.plan import make_plan
    from crmlab.reporting.progress import watching
    from crmlab.reporting.runner import run

    teller(language)  # refuses a language that is not known, before anything runs
    plan = make_plan(
        project_folder(),
        source=source,
        as_of=as_of,
        out=out,
        parameters=parameters,
        wanted=notebook,
        jobs=jobs,
        notebooks=notebooks,
        previous=previous,
    )
    try:
        with watching(Console(), len(plan.asked)) as watcher:
            summary = run(plan, watcher, fresh=fresh, language=language)
    except KeyboardInterrupt:
        summary = None  # left here, so that its traceback holds no engine while Python ends
    if summary is None:
        click.echo("\ncrmlab: interrupted. What was answered is kept; the same command goes on from there.", err=True)
        sys.exit(130)
    counts = {status: sum(r.status == status for r in summary.results) for status in ("answered", "not_answered")}
    told = f"{counts['answered']} of {len(summary.results)} questions answered"
    if counts["not_answered"]:
        told += f", {counts['not_answered']} lack data"
    if summary.failed:
        told += f", {len(summary.failed)} FAILED"
    click.echo(f"{told} in {summary.seconds:.1f} s. Open {summary.index}")
    if language != "en":
        _say_what_is_english(summary.index.parent, language)
    if summary.failed:
        sys.exit(1)


def _say_what_is_english(folder: Path, language: str) -> None:
    """Say which figures are not in the language, and how they could be."""
    from crmlab.findings.languages import NO_FACE, drawable
    from crmlab.reporting.translating import english_figures

    if language not in drawable():
        click.echo(f"{NO_FACE}.")
    elif names := english_figures(folder, language):
        click.echo(
            f"Figures stay in English in {', '.join(names)}: drawn before a font was installed (cure: --fresh), "
            "or not by a chart of crmlab.charts."
        )
