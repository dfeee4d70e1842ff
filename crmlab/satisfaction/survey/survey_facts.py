"""What is wrong with a survey without any doubt: items, waves and scales that the questionnaire does not have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.bank.questionnaire import Questionnaire
from crmlab.errors import nearest
from crmlab.stats import count_text

__all__ = [
    "answered_again",
    "backwards",
    "not_asked",
    "off_scale",
    "pace_of",
    "unknown_items",
    "unknown_occasions",
]

_FEWEST = 20  # responses of a wave

# Each function returns findings: (severity, kind, where, count, fact, cure).


def _seconds_of(people: pd.DataFrame) -> pd.Series:
    """Seconds from the beginning of each response to its end; NaN where the bank does not say."""
    if not {"answered_at", "started_at"} <= {*people.columns}:
        return pd.Series(np.nan, index=people.index)
    ended, began = pd.to_datetime(people["answered_at"]), pd.to_datetime(people["started_at"])
    return (ended - began).dt.total_seconds()


def pace_of(people: pd.DataFrame) -> pd.Series:
    """Time taken over the median time of the same occasion, whose responses have as much to answer."""
    seconds = _seconds_of(people)
    occasion = people["wave"].astype("str").str.split(" ").str[0]
    return seconds / seconds.where(seconds > 0).groupby(occasion).transform("median")


def unknown_items(answers: pd.DataFrame, asked: Questionnaire) -> list[tuple]:
    """Answers to items that are not on the questionnaire."""
    counts = answers.loc[~answers["item"].isin(asked.items), "item"].value_counts().sort_index()
    return [
        (
            "error", "unknown item", item, int(count),
            f"answers to {item}, which is not an item of {asked.name}: {count_text(count)}",
            f"Correct the code in the extract, or add the item to the questionnaire.{nearest(item, asked.items)}",
        )
        for item, count in counts.items()
    ]  # fmt: skip


def not_asked(answers: pd.DataFrame, asked: Questionnaire) -> list[tuple]:
    """Items of an occasion that nobody answered in a wave."""
    found = []
    by_wave = answers.groupby("wave")
    filled = answers[answers["score"].notna()].groupby("wave")["item"].agg(set)
    asked_too, sizes = by_wave["item"].agg(set), by_wave["response_id"].nunique()
    for wave in sorted(answers["wave"].astype("str").unique()):
        occasion = wave.split(" ")[0]
        if asked.occasions and occasion not in asked.occasions:
            continue
        wanted = asked.asked(occasion) if asked.occasions else asked.items
        # a few responses may all leave an item out; many do not
        there = filled.get(wave, set()) | (asked_too[wave] if sizes[wave] < _FEWEST else set())
        lacking = [code for code in wanted if code in asked.scales and code not in there]
        if lacking:
            shown = ", ".join(lacking[:6]) + (f" and {len(lacking) - 6} more" if len(lacking) > 6 else "")
            found.append((
                "error", "item not asked", wave, len(lacking),
                f"{shown} {'has' if len(lacking) == 1 else 'have'} no answer in wave {wave}",
                "Export these items too; if they were not asked, leave out their latent variables or the wave.",
            ))  # fmt: skip
    return found


def unknown_occasions(people: pd.DataFrame, asked: Questionnaire) -> list[tuple]:
    """Waves that begin with a word that is no occasion of the questionnaire."""
    if not asked.occasions:
        return []
    counts = people["wave"].astype("str").str.split(" ").str[0].value_counts().sort_index()
    return [
        (
            "error", "unknown occasion", occasion, int(count),
            f"responses of waves that begin with {occasion!r}: {count_text(count)}; {asked.name} has "
            f"{list(asked.occasions)}",
            "Begin the name of a wave with its occasion, such as 'yearly 2024'; other waves are read by no analysis.",
        )
        for occasion, count in counts.items()
        if occasion not in asked.occasions
    ]  # fmt: skip


def off_scale(items: pd.DataFrame, asked: Questionnaire) -> list[tuple]:
    """Items with answers outside their scale, or between its numbers."""
    found = []
    beyond = items[items["out_of_scale_count"] > 0]
    for row in beyond.itertuples():
        low, high = asked.scales[row.item]
        found.append((
            "error", "out of scale", row.item, int(row.out_of_scale_count),
            f"answers to {row.item} outside {low} to {high}: {count_text(row.out_of_scale_count)} of "
            f"{count_text(row.asked_count)}",
            "Export them on the questionnaire's scale, and codes for 'no answer' as empty cells. Until then they count "
            "as not given.",
        ))  # fmt: skip
    found += [
        (
            "warning", "not whole", row.item, int(row.not_whole_count),
            f"answers to {row.item} that are no whole number: {count_text(row.not_whole_count)} of "
            f"{count_text(row.asked_count)}",
            "Ask whether they were averaged or moved from another scale; the questionnaire has whole numbers.",
        )
        for row in items[items["not_whole_count"] > 0].itertuples()
    ]  # fmt: skip
    return found


def answered_again(responses: pd.DataFrame) -> list[tuple]:
    """Waves in which customers answered more than once."""
    again = responses[responses["is_again"]]
    return [
        (
            "warning", "twice in a wave", wave, len(rows),
            f"customers who answered more than once in {wave}: {count_text(rows['customer_id'].nunique())}; responses "
            f"too many: {count_text(len(rows))}",
            "Keep one response a customer; the analysis reads the last one.",
        )
        for wave, rows in again.groupby("wave")
    ]  # fmt: skip


def backwards(people: pd.DataFrame) -> list[tuple]:
    """Responses that end before they begin."""
    count = int((_seconds_of(people) < 0).sum())
    fact = f"responses that end before they begin: {count_text(count)}"
    cure = "Ask which clocks wrote started_at and answered_at; times in two zones look like this."
    return [("error", "backwards", "started_at", count, fact, cure)] if count else []
