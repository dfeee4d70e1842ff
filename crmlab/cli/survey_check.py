"""The part of `crmlab check` that looks at the survey: which questionnaire it follows, and what is odd about the "
"answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.errors import CrmlabError

if TYPE_CHECKING:
    from rich.console import Console

    from crmlab.bank import Bank
    from crmlab.satisfaction.survey.survey_quality import SurveyQuality

__all__ = ["print_survey", "survey_found"]

_STYLES = {"error": "bold red", "warning": "yellow"}


def survey_found(bank: Bank, questionnaire: str) -> SurveyQuality | str:
    """Check the survey of a bank; a sentence where nothing can be checked, empty where there is no survey."""
    from crmlab.bank.questionnaire_choice import questionnaire_of
    from crmlab.satisfaction.survey.survey_quality import check_survey

    if not bank.has("surveys"):
        if questionnaire:
            raise CrmlabError(
                [f"--questionnaire {questionnaire!r} is given, but {bank.name} has no survey. Leave it out."]
            )
        return ""
    try:
        asked = questionnaire_of(bank, questionnaire)
    except CrmlabError as refusal:
        if questionnaire:
            raise
        return f"The survey is not checked: {' '.join(refusal.problems)}"
    return check_survey(bank.frame("surveys"), asked)


def print_survey(console: Console, found: SurveyQuality | str, flagged: str) -> None:
    """Print the findings, and write the flagged responses to a file where one is named."""
    from rich.markup import escape
    from rich.table import Table

    if isinstance(found, str):
        if found:
            console.print(escape(found))
        return
    console.print(escape(f"Survey: {found.reading}"))
    if len(found.findings):
        table = Table("", "survey", "where", "what", "cure", show_lines=True)
        for row in found.findings.itertuples():
            table.add_row(
                f"[{_STYLES[row.severity]}]{row.severity}[/]",
                row.kind,
                escape(row.where),
                escape(row.fact),
                escape(row.cure),
            )
        console.print(table)
    if flagged:
        path = Path(flagged)
        rows = found.flagged
        if path.suffix not in (".csv", ".parquet"):
            raise CrmlabError([f"--flagged {flagged!r} is neither .csv nor .parquet. Give such a name."])
        rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path, index=False)
        console.print(f"Flagged responses ({len(rows):,}): {path}", soft_wrap=True, markup=False)
