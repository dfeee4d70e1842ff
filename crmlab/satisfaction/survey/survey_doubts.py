"""What makes the answers to a survey doubtful: more of it than honest people make."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binom, norm, poisson

from crmlab.bank.questionnaire import Questionnaire
from crmlab.satisfaction.survey.honest_answers import Chance
from crmlab.satisfaction.survey.survey_facts import pace_of
from crmlab.satisfaction.survey.turned_items import turned_items
from crmlab.stats import count_text, share_text

__all__ = ["FAST_SHARE", "identical_answers", "much_left_out", "not_turned", "straight_lines", "too_fast"]

FAST_SHARE = 1 / 3  # of the median time
_MANY_LEFT_OUT = 0.10
_FEWEST = 20  # responses

# Each function returns findings: (severity, kind, where, count, fact, cure).


def not_turned(wide: pd.DataFrame, asked: Questionnaire, rate: float) -> list[tuple]:
    """Items that run against the others of their latent variable."""
    found = turned_items(wide, asked, false_alarm_rate=rate)
    odd = found[found["is_alarm"]]
    return [
        (
            "error", "not turned round", row.item, int(row.n),
            f"{row.item} falls as the other items of {row.latent} rise (correlation {row.correlation:.2f}, "
            f"{row.low:.2f} to {row.high:.2f}, n = {count_text(row.n)})",
            f"Write reversed: true beside its text in {asked.name}."
            if row.item not in asked.reversed
            else f"Take reversed: true away from it in {asked.name}: the file holds it turned round already.",
        )
        for row in odd.itertuples()
    ]  # fmt: skip


def straight_lines(
    responses: pd.DataFrame, block: pd.DataFrame, is_long: pd.Series, chance: Chance | None, asked: Questionnaire,
    rate: float,
) -> list[tuple]:  # fmt: skip
    """More responses with one answer throughout than honest people make, at the ends of the scale and within it."""
    if chance is None:
        return []
    marked = responses.set_index("response_id")
    lined = marked.loc[marked["is_straight_lined"], "wave"]
    at_end = block.loc[lined.index].max(axis=1).isin([asked.scale.low, asked.scale.high])
    n = int(is_long.sum())
    found = []
    for place, waves, share in (
        ("at an end of the scale", lined[at_end], chance.straight_at_end_share),
        ("within the scale", lined[~at_end], chance.straight_within_share),
    ):
        count = len(waves)
        if count and binom.sf(count - 1, n, share) < rate / 2:
            by_wave = waves.value_counts().sort_index()
            named = ", ".join(f"{wave} {count_text(number)}" for wave, number in by_wave.items())
            found.append((
                "warning", "straight-lining", place, count,
                f"long responses with one and the same answer {place}: {count_text(count)} of {count_text(n)} "
                f"({named}); "
                f"honest answers make {n * share:.1f}",
                "Run the analysis without the flagged responses too, and say whether the result changes.",
            ))  # fmt: skip
    return found


def identical_answers(responses: pd.DataFrame, is_long: pd.Series, chance: Chance | None, rate: float) -> list[tuple]:
    """More responses with the answers of another one than honest people make."""
    count = int(responses["is_identical"].sum())
    if chance is None or not count:
        return []
    n = int(is_long.sum())
    expected = n * (n - 1) / 2 * chance.identical_pair_share
    pairs = count / 2  # at least: three of a kind are three pairs
    if pairs <= 2 * expected or poisson.sf(np.ceil(pairs) - 1, expected) >= rate:
        return []
    return [(
        "warning", "identical answers", "responses", count,
        f"long responses with the same answers as another one: {count_text(count)} of {count_text(n)}; honest answers "
        f"make {expected:.1f} pairs",
        "Ask whether the export doubled rows under other numbers, or an interviewer copied a form.",
    )]  # fmt: skip


def too_fast(responses: pd.DataFrame, people: pd.DataFrame, rate: float) -> list[tuple]:
    """More responses in under a third of the median time of their occasion than the slower half lets expect."""
    pace = pace_of(people)
    known = pace[pace > 0]
    count = int(responses["is_fast"].sum())
    if len(known) < _FEWEST or not count:
        return []
    spread = np.log(known.quantile(0.75)) / norm.ppf(0.75)  # the median is 1
    share = float(norm.cdf(np.log(FAST_SHARE) / spread)) if spread > 0 else 0.0
    if binom.sf(count - 1, len(known), max(share, 1 / len(known))) >= rate:
        return []
    return [(
        "warning", "too fast", "started_at", count,
        f"responses in under a third of the usual time of their occasion: {count_text(count)} of "
        f"{count_text(len(known))}; the slower half lets expect {len(known) * share:.1f}",
        "Run the analysis without the flagged responses too, and say whether the result changes.",
    )]  # fmt: skip


def much_left_out(answers: pd.DataFrame, asked: Questionnaire, rate: float) -> list[tuple]:
    """Items that more than a tenth of a wave left out, beyond chance; wholly empty ones are told as not asked."""
    latent = answers[answers["item"].isin(asked.latent_of)]
    found = (
        latent.assign(is_empty=latent["score"].isna()).groupby(["wave", "item"])["is_empty"].agg(empty="sum", n="size")
    )
    found = found[(found["empty"] > 0) & (found["empty"] < found["n"]) & (found["n"] >= _FEWEST)]
    p = binom.sf(found["empty"] - 1, found["n"], _MANY_LEFT_OUT)
    odd = found[p < rate / max(len(found), 1)].reset_index()
    return [
        (
            "warning", "left out", row.item, int(row.empty),
            f"{row.item} left out in {row.wave}: {share_text(row.empty / row.n)} of {count_text(row.n)} responses",
            "Ask why: a filter, a late place on the form, or a question that many cannot answer.",
        )
        for row in odd.itertuples()
    ]  # fmt: skip
