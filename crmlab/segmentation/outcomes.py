"""What customers said and did: how satisfied they are, and who of a segment left the bank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.bank.questionnaire import read_questionnaire
from crmlab.segmentation.contrasts import contrast, in_segments
from crmlab.stats import Estimate, count_text, proportion

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["leaving", "satisfaction_of"]


def leaving(earlier: pd.Series, still: pd.Index, *, order: Sequence[str], months: int = 12) -> pd.DataFrame:
    """Count who left the bank, by the segment at an earlier date.

    Parameters
    ----------
    earlier : Series of str
        Segment of each customer at the earlier date.
    still : Index
        Customers of the bank today.
    order : sequence of str
        Segments.
    months : int
        From the earlier date to today.

    Returns
    -------
    DataFrame
        One row a segment: ``segment``, ``customers_count`` (left), ``share`` with ``share_low`` and ``share_high``
        (Wilson), ``n`` (there at the earlier date), ``all_share``, ``p_value`` (against the other segments) and
        ``months``. Shares of segments under 10 are not known.

    Examples
    --------
    >>> before = pd.Series(["a"] * 10 + ["b"] * 10, index=range(20))
    >>> leaving(before, pd.Index(range(1, 20)), order=["a", "b"])[["segment", "share", "n"]].values.tolist()
    [['a', 0.1, 10], ['b', 0.0, 10]]
    """
    rows, code = in_segments(earlier.to_frame("segment"), earlier, order=order)
    gone = (~rows.index.isin(still)).astype(float)
    found = contrast(gone, code, len(order))
    lines = []
    for i, name in enumerate(order):
        n, count = int(found["n"][i]), int(gone[code == i].sum())
        one = proportion(count, n) if n >= SMALLEST_GROUP else Estimate(math.nan, "share", math.nan, math.nan)
        lines.append((name, count, one.value, one.low, one.high, n))
    names = ["segment", "customers_count", "share", "share_low", "share_high", "n"]
    share = float(gone.mean()) if len(gone) else math.nan
    return pd.DataFrame(lines, columns=names).assign(all_share=share, p_value=found["p_value"], months=months)


def satisfaction_of(bank: Bank, *, months: int = 12, questionnaire: str = "retail_bank") -> tuple[pd.Series, str]:
    """Read how satisfied customers said they are, from the last answer of each.

    Parameters
    ----------
    bank : Bank
        As of the day of the report; an answer given later is not seen.
    months : int
        How far back an answer counts.
    questionnaire : str
        File in ``data/questionnaires``; its latent variable ``satisfaction`` names the items.

    Returns
    -------
    (Series of float, str)
        Mean over the items answered, 0 (not at all) to 100 (completely), indexed by ``customer_id``; empty where there
        is nothing. And what was read, in a sentence.

    Notes
    -----
    The answers are not weighted, and who thinks well of the bank answers more often: compare segments with each other,
    do not read the level.
    """
    nothing = pd.Series(dtype=float, name="satisfaction")
    nothing.index.name = "customer_id"
    if not bank.has("surveys.score"):
        return nothing, "There are no survey answers, so satisfaction is not known."
    asked = read_questionnaire(questionnaire)
    items = list(asked.latents["satisfaction"].items) if "satisfaction" in asked.latents else []
    day = pd.Timestamp(bank.date or bank.report_on)
    since = (day - pd.DateOffset(months=months)).date()
    listed = ", ".join(f"'{item}'" for item in items) or "''"
    answers = bank.to_frame(
        bank.sql(f"""
            with known as (
                select customer_id, response_id, max(answered_at) as answered_at, avg(score) as score
                from surveys
                where item in ({listed}) and score between {asked.scale.low} and {asked.scale.high}
                  and answered_at >= date '{since}' + interval 1 day
                  and answered_at < date '{day.date()}' + interval 1 day
                group by all
            )
            select customer_id, score from known
            qualify row_number() over (partition by customer_id order by answered_at desc, response_id desc) = 1
            order by customer_id
        """)
    )  # fmt: skip
    if answers.empty:
        return nothing, (
            f"No survey answer of the last {months} months is to an item of satisfaction that the questionnaire "
            f"{questionnaire} knows, so satisfaction is not known."
        )
    width = asked.scale.high - asked.scale.low
    scores = answers.set_index("customer_id")["score"].sub(asked.scale.low).mul(100 / width).rename("satisfaction")
    return scores, (
        f"{count_text(len(scores))} customers answered {len(items)} items on satisfaction in the last {months} months; "
        "the last answer of each counts, 0 to 100, not weighted."
    )
