"""Was a survey wave answered on the scale of the others?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import t as student

from crmlab.stats import Evidence

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["waves"]

_FEWEST = 20  # responses of a wave
_FEWEST_ITEMS = 3  # a change in one item is news, a change common to all of them is a scale
_SMALLEST_SHIFT = 0.05  # of the scale's width: satisfaction as a whole moves less from wave to wave
_OFTEN = 5  # answers at the end of a scale that show that it ends there


def waves(bank: Bank, *, scale: tuple[float, float] | None = None, false_alarm_rate: float = 0.05) -> Evidence:
    """Find survey waves whose answers lie on another scale than those of the other waves.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    scale : (float, float), optional
        Lowest and highest answer of the questionnaire. Without it the other waves say where the scale ends.
    false_alarm_rate : float
        Chance of at least one alarm over all waves when no wave's answers differ, over all items, by more than a
        twentieth of the scale from the other waves.

    Returns
    -------
    Evidence
        Frame, one row a wave that can be judged: ``wave``, ``responses_count``, ``items_count``, ``low`` and
        ``high`` (lowest and highest answer), ``usual_low`` and ``usual_high`` (of the other waves), ``shift`` (mean
        difference to the other waves over items asked in both, points), ``p_value``, ``is_alarm``.

    Notes
    -----
    With the questionnaire's scale every wave is judged: answers beyond it are a fact without chance. Waves of one
    occasion (the first word of column ``wave``) are also compared with each other, items asked in all of them, where
    there are three items and 20 responses or more. Without a scale, answers beyond an end at which five answers or more
    of the other waves stop are such a fact. And the mean over items of each response is compared, wave against the
    others: Welch's test of a shift of a twentieth of the scale's width at most, Bonferroni over waves, with every item
    moving in the same direction. A wave from 1 to 11 shows the first, a wave from 1 to 5 the second. Of an occasion one
    wave is named, the farthest off; of two waves without a questionnaire the later one, which may be the wrong one.
    """
    names = ["wave", "responses_count", "items_count", "low", "high", "usual_low", "usual_high", "shift", "p_value",
             "is_alarm"]  # fmt: skip
    empty = pd.DataFrame({name: [] for name in names})
    if not bank.has("surveys", "surveys.score"):
        return Evidence(empty, "", "", "There is no survey.")
    answers = bank.sql(
        "select split_part(wave, ' ', 1) as occasion, wave, response_id, item, score from surveys"
        " where score is not null order by wave, response_id, item"
    ).df()
    found = []
    for _, rows in answers.groupby("occasion", sort=True):
        items = rows.groupby("item")["wave"].nunique()
        common = rows[rows["item"].isin(items[items == rows["wave"].nunique()].index)]
        responses = common.groupby("wave")["response_id"].nunique()
        if common["item"].nunique() >= _FEWEST_ITEMS and len(responses) > 1 and responses.min() >= _FEWEST:
            found += [_compared(common, wave, scale) for wave in responses.index]
        elif scale:
            found += [_alone(part, wave, scale) for wave, part in rows.groupby("wave", sort=True)]
    frame = pd.DataFrame(found, columns=[*names[:-1], "is_beyond", "is_common"])
    p = np.minimum(frame["p_value"].astype(float) * max(len(frame), 1), 1.0)
    shifted = (p < false_alarm_rate) & frame["is_common"].astype(bool)
    frame = frame.assign(p_value=p, is_alarm=shifted | frame["is_beyond"].astype(bool))
    frame = _farthest(frame)[names]
    odd = frame[frame["is_alarm"]]
    told = " ".join(f"W{said_of(row)[1:]}." for row in odd.head(3).itertuples())
    return Evidence(
        frame,
        title=f"{len(odd)} of {len(frame)} survey waves are on another scale",
        about="Lowest and highest answer and mean over items of each wave, against the other waves of its occasion",
        reading=told or f"The answers of {len(frame)} survey waves lie on one scale.",
    )


def said_of(row: object) -> str:
    """Say what is odd about a wave."""
    usual = "in other waves" if np.isfinite(row.shift) else "on the questionnaire"
    moved = (
        f"; {abs(row.shift):.1f} points higher over {row.items_count} items"
        if row.shift > 0
        else f"; {abs(row.shift):.1f} points lower over {row.items_count} items"
    )
    return (
        f"wave {row.wave}: answers from {row.low:g} to {row.high:g}, {usual} from {row.usual_low:g} to "
        f"{row.usual_high:g}{moved if np.isfinite(row.shift) else ''}"
    )


def _alone(rows: pd.DataFrame, wave: str, scale: tuple[float, float]) -> tuple:
    low, high = rows["score"].min(), rows["score"].max()
    beyond = bool(low < scale[0] or high > scale[1])
    counts = rows["response_id"].nunique(), rows["item"].nunique()
    return (wave, *counts, low, high, *scale, np.nan, 1.0, beyond, False)


def _compared(rows: pd.DataFrame, wave: str, scale: tuple[float, float] | None) -> tuple:
    is_wave = rows["wave"] == wave
    own, others = rows[is_wave], rows[~is_wave]
    low, high = others["score"].min(), others["score"].max()
    stops_high, stops_low = (others["score"] == high).sum() >= _OFTEN, (others["score"] == low).sum() >= _OFTEN
    beyond = (stops_high and own["score"].max() > high) or (stops_low and own["score"].min() < low)
    if scale:
        beyond = own["score"].max() > scale[1] or own["score"].min() < scale[0]
    means, usual = own.groupby("item")["score"].mean(), others.groupby("item")["score"].mean()
    shift = float((means - usual).mean())
    # each answer less the item's usual mean, so that a skipped item does not move a response
    a, b = (
        (part["score"] - part["item"].map(usual)).groupby([part["wave"], part["response_id"]]).mean().to_numpy(float)
        for part in (own, others)
    )
    width = max(float(high - low), 1.0)
    p = _shift_p(a, b, _SMALLEST_SHIFT * width)
    common = bool((np.sign(means - usual) == np.sign(shift)).all())
    return (
        wave, len(a), rows["item"].nunique(), own["score"].min(), own["score"].max(), low, high, shift, p,
        bool(beyond), common,
    )  # fmt: skip


def _shift_p(a: np.ndarray, b: np.ndarray, margin: float) -> float:
    """Welch's test that the means differ by no more than a margin, two-sided."""
    u, v = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    error = np.sqrt(u + v)
    if error == 0:
        return 0.0 if abs(a.mean() - b.mean()) > margin else 1.0
    freedom = (u + v) ** 2 / (u**2 / (len(a) - 1) + v**2 / (len(b) - 1))
    return float(min(1.0, 2 * student.sf((abs(a.mean() - b.mean()) - margin) / error, freedom)))


def _farthest(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave one alarm an occasion: a wave that is off makes the others look off in the other direction."""
    order = frame.assign(occasion=frame["wave"].str.split(" ").str[0], far=frame["shift"].abs().round(9).fillna(0.0))
    order = order[order["is_alarm"]].sort_values(["is_beyond", "far", "wave"], ascending=False, kind="stable")
    odd = order.groupby("occasion").head(1).index
    return frame.assign(is_alarm=frame.index.isin(odd))
