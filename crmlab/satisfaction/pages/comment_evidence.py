"""What customers write: themes by a codebook, what scores they come with, and words that many use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.satisfaction.comments.codebook import code_comments
from crmlab.satisfaction.comments.quotes import quotes
from crmlab.satisfaction.comments.themes import theme_counts, theme_lift
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.answers import comments_on
from crmlab.stats import Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["themes", "words_table"]

_TABLE_ROWS = 10

_FEWEST = 10  # customers of a theme that is shown
_FEWEST_WRITERS = 30
_MOST_WORDS = 3


def themes(bank: Bank, study: Study) -> Evidence:
    """Say what the comments of the judged wave are about, and how satisfied those are who write it.

    Parameters
    ----------
    bank : Bank
        The bank of the study.
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: one row a theme of 10 customers or more, lowest lift first: ``theme``, ``share`` (Estimate, of customers
        who wrote), ``lift``, ``lift_low``, ``lift_high`` (points of the scale: mean answer to the items of satisfaction
        with the theme less without), ``is_clear`` (Holm), ``words`` (used by 10 customers or more), ``n`` (customers).
        Estimates: ``share_<theme>``, ``uncoded_share``. Empty where under 30 customers wrote.

    Notes
    -----
    Who writes is not who answers: satisfied and dissatisfied customers write more often than those between. Words are
    masked; nobody's own sentence is shown.
    """
    written = comments_on(bank, study.answers.questionnaire, waves=[study.wave])
    written = written[written["score"].notna()].reset_index(drop=True) if len(written) else written
    writers = written["customer_id"].nunique()
    if writers < _FEWEST_WRITERS:
        wrote = (
            f"only {count_text(writers)} customers wrote a comment in {study.when}"
            if writers
            else f"nobody wrote a comment in {study.when}"
        )
        return missing(f"{wrote}; {_FEWEST_WRITERS} are needed")
    coded, who = code_comments(written["comment"]), written["customer_id"]
    counts = theme_counts(coded, customers=who)
    shown = counts.frame.loc[counts.frame["count"] >= _FEWEST, "theme"].tolist()
    uncoded = counts["uncoded_share"]
    if not shown:
        return missing(f"no theme is named by {_FEWEST} customers")
    lifts = theme_lift(coded[shown], written["score"], customers=who)
    words = quotes(written["comment"], coded[shown], who, phrases=_MOST_WORDS)
    by_theme = words.groupby("theme")["phrase"].agg(lambda phrases: ", ".join(phrases.head(2 * _MOST_WORDS)))
    table = lifts.frame[["theme", "lift", "lift_low", "lift_high", "is_clear"]].copy()
    table["share"] = [counts[f"share_{theme}"] for theme in table["theme"]]
    table["words"] = table["theme"].map(by_theme).fillna("")
    table["n"] = table["theme"].map(counts.frame.set_index("theme")["count"]).astype(int)
    table["label"] = table["theme"].str.replace("_", " ")
    rare = int((counts.frame["count"].between(1, _FEWEST - 1)).sum())
    return Evidence(
        table,
        title=_title(table),
        about=f"Mean satisfaction answer with the theme less without, points of {study.scale[0]} to {study.scale[1]}; "
        f"95 % interval; {study.when}, n = {count_text(writers)} who wrote",
        reading=_reading(table, counts, writers, rare),
        estimates={f"theme_{theme}_share": counts[f"share_{theme}"] for theme in shown} | {"uncoded_share": uncoded},
    )


def words_table(table: pd.DataFrame) -> pd.DataFrame:
    """Give the ten themes named most for a table: ``theme``, ``mentioned_by`` (Estimate), ``words``, ``n``.

    Parameters
    ----------
    table : DataFrame
        Frame of `themes`.
    """
    most = table.sort_values("n", ascending=False, kind="stable", ignore_index=True).head(_TABLE_ROWS)
    return most.assign(theme=most["label"], mentioned_by=most["share"])[["theme", "mentioned_by", "words", "n"]]


def _title(table: pd.DataFrame) -> str:
    clear = table[table["is_clear"]]
    if clear.empty:
        return "No theme goes with clearly other satisfaction"
    row = clear.iloc[0] if clear["lift"].iloc[0] < 0 else clear.iloc[-1]
    return (
        f"Who writes about {row['label']} is {abs(row['lift']):.1f} points "
        f"{'less' if row['lift'] < 0 else 'more'} satisfied"
    )[:70]


def _reading(table: pd.DataFrame, counts: Evidence, writers: int, rare: int) -> str:
    top = counts.frame.iloc[0]
    share = counts[f"share_{top['theme']}"]
    told = (
        f"{count_text(writers)} customers wrote. Most often it is about {top['theme'].replace('_', ' ')}: {share.text}."
    )
    clear = table[table["is_clear"] & (table["lift"] < 0)]
    if len(clear):
        listed = ", ".join(
            f"{row.label} ({row.lift:+.1f} points, {row.lift_low:+.1f} to {row.lift_high:+.1f})"
            for row in clear.head(3).itertuples()
        )
        told += f" Who writes about {listed} is less satisfied than the others (Holm); the theme need not be the cause."
    else:
        told += " No theme goes with clearly lower satisfaction (Holm)."
    told += f" {counts['uncoded_share'].short} of them name no theme of the codebook."
    if rare:
        told += f" {rare} theme{'' if rare == 1 else 's'} of under {_FEWEST} customers not shown."
    return told
