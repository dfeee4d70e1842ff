"""`crmlab check`: tell everything that is wrong with a bank's tables, and what they can answer."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from crmlab.bank import Bank
    from crmlab.bank.report import Report
    from crmlab.customer_base import Alarm

__all__ = ["command"]

_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}


@click.command("check")
@click.argument("source")
@click.option("--as-of", default="", metavar="YYYY-MM-DD", help="Check the view of that day too.")
@click.option("--quarantine", default="", metavar="FILE", help="Write the broken rows there (.parquet or .csv).")
@click.option(
    "--quick", is_flag=True, help="Check the contract only; leave out the alarms, which read every table again."
)
@click.option("--questionnaire", default="", metavar="NAME", help="What the survey asks: a name or a .yml file.")
@click.option("--flagged", default="", metavar="FILE", help="Write the odd responses of the survey there.")
@click.option("--notebooks", default="", help="Folder of the notebooks.  [default: the project's]")
def command(
    source: str, as_of: str, quarantine: str, quick: bool, questionnaire: str, flagged: str, notebooks: str
) -> None:
    """Check a bank against the contract: every violation at once, with its count and its cure.

    SOURCE is a folder of Parquet or CSV files, a DuckDB file or a bank.yml. Broken rows go to a quarantine file.

    After the rules come the alarms: what breaks no rule and yet looks wrong, such as a column that knows who has left,
    a change of unit, people with two numbers, a campaign that was not drawn as planned. In a sound bank there is at
    most a 5 % chance of any.

    Then the survey is checked against its questionnaire: the one named here, in bank.yml, or recognised by its items.

    Exit status: 0 when the contract holds (warnings and alarms allowed: an alarm says where to look), 1 when it is
    broken, 2 when the source cannot be read.
    """
    from rich.console import Console

    from crmlab.bank import Bank
    from crmlab.bank.door import inspect

    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)
    logging.getLogger("crmlab").setLevel(logging.ERROR)  # opening would tell in one line what the table tells in full
    with Console(stderr=True).status("Checking every row"):
        report, is_readable = inspect(source)
    bank = Bank.open(source) if is_readable else None
    if bank is not None and as_of:
        report = bank.check(as_of)
    _print_tables(console, report)
    _print_violations(console, report)
    _print_quarantine(console, report, quarantine)
    if bank is not None and not quick:
        with Console(stderr=True).status("Looking for alarms"):
            alarms = _alarms(bank, as_of)
        _print_alarms(console, alarms)
        from crmlab.cli.survey_check import print_survey, survey_found

        with Console(stderr=True).status("Checking the survey"):
            found = survey_found(bank.as_of(as_of) if as_of else bank, questionnaire)
        print_survey(console, found, flagged)
    _print_questions(console, bank, notebooks)
    if report.errors:
        sys.exit(1)


def _print_tables(console: Console, report: Report) -> None:
    from rich.table import Table

    table = Table("table", "rows", "set aside", title=f"Tables of {report.source}", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    for name, (read, aside) in (report.rows or {}).items():
        table.add_row(name, f"{read:,}", f"{aside:,}" if aside else "-")
    console.print(table)


def _print_violations(console: Console, report: Report) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not report.errors:
        console.print("Every rule of the contract holds.")
    table = Table("", "rows", "where", "what", "cure", show_lines=True, title_justify="left")
    if report.errors:
        table.title = f"{_count(len(report.errors), 'rule')} of the contract broken"
    table.columns[1].justify = "right"
    absent = [one for one in report.violations if one.rule == "absent columns"]
    for one in report.violations:
        if one in absent:
            continue
        where = ".".join(part for part in (one.table, one.column) if part)
        fate = f"\n{one.fate}" if one.fate and one.fate != "kept" else ""
        examples = f" ({'; '.join(one.examples)})" if one.examples else ""
        table.add_row(
            f"[{_STYLES[one.severity]}]{one.severity}[/]",
            f"{one.count:,}" if one.count else "",
            escape(where.replace(".", ".\n", 1) if len(where) > 24 else where),
            escape(one.fact + examples + fate),
            escape(one.cure),
        )
    if table.row_count:
        console.print(table)
    for one in absent:
        console.print(f"[dim]{escape(one.table)} {escape(one.fact)}[/]")


def _alarms(bank: Bank, as_of: str) -> tuple[Alarm, ...]:
    from crmlab.customer_base import check

    # broken rules have their own table, with their rows
    return tuple(one for one in check(bank.as_of(as_of)).alarms if one.kind != "broken rule")


def _print_alarms(console: Console, alarms: tuple[Alarm, ...]) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not alarms:
        console.print("No alarm: nothing looks wrong beyond the rules.")
        return
    title = f"{_count(len(alarms), 'alarm')}: no rule is broken there, and yet it looks wrong"
    table = Table("", "alarm", "where", "what", "cure", show_lines=True, title=title, title_justify="left")
    for one in alarms:
        place = escape(one.where.replace(".", ".\n", 1) if len(one.where) > 24 else one.where)
        table.add_row(
            f"[{_STYLES[one.severity]}]{one.severity}[/]", one.kind, place, escape(one.fact), escape(one.cure)
        )
    console.print(table)


def _print_quarantine(console: Console, report: Report, wanted: str) -> None:
    if report.quarantine is None:
        if wanted:
            console.print("No row is broken, so no quarantine file was written.")
        return
    from crmlab.bank.quarantine import copy_quarantine

    path = copy_quarantine(report.quarantine, Path(wanted)) if wanted else report.quarantine
    # soft wrap keeps the path in one piece for copying
    console.print(f"Broken rows: {path}", soft_wrap=True, markup=False)


def _print_questions(console: Console, bank: Bank | None, notebooks: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from crmlab.bank.engine import project_folder
    from crmlab.reporting.questions import questions

    folder = Path(notebooks) if notebooks else project_folder() / "notebooks"
    if not folder.is_dir() and not notebooks:
        return
    found = questions(folder)
    if bank is None:
        console.print("Which questions can be answered cannot be told before every table can be read.")
        return
    table = Table("", "question", "lacking", title="What these tables can answer", title_justify="left")
    able = 0
    for one in found:
        missing = one.needs.missing(bank)
        able += not missing
        partly = [name for name in one.needs.optional if not bank.has(name)]
        lacking = missing or (f"in part: {', '.join(partly)}" if partly else "")
        table.add_row("no" if missing else "yes", escape(f"{one.name}: {one.question}"), escape(lacking))
    console.print(table)
    console.print(f"{able} of {_count(len(found), 'question')} can be answered.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
