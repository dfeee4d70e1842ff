"""Verdicts on measures that bad luck and chosen places do not fool: what worked, and what only looked so."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from crmlab.satisfaction.change.measure_register import PLACES, rivals_of, was_reached
from crmlab.satisfaction.change.measures_taken import measures_taken
from crmlab.satisfaction.survey.groups import NOT_KNOWN
from crmlab.stats.differences import holm

__all__ = ["SEEN_AGAIN", "VERDICTS", "judge_measures"]

VERDICTS = {
    "worked": "better than without it, beyond chance",
    "only looked so": "better than before, but no better than a fair comparison allows",
    "not proven": "better than the others, but its places may have been chosen for a bad year",
    "no clear effect": "no difference beyond chance",
    "made it worse": "worse than without it, beyond chance",
    "nobody to compare": "everybody got it: what changed may have other causes",
    "not known": "cannot be judged yet",
}
SEEN_AGAIN = 10  # answers on each side of each wave; of fewer nothing is shown
_TAKEN = ("before", "after", "change", "change_low", "change_high", "control_change", "control_change_low",
          "control_change_high", "drift_before", "drift_before_low", "drift_before_high", "n", "treated_clusters_count",
          "control_clusters_count")  # fmt: skip
_EFFECT = ("effect", "effect_low", "effect_high", "p_value", "smallest_effect")


def judge_measures(
    scores: pd.DataFrame,
    register: pd.DataFrame,
    days: Mapping[str, object],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Judge every measure of the register against those who did not get it.

    Parameters
    ----------
    scores : DataFrame
        One row a response: ``customer_id``, ``wave``, the indicators (points of 0 to 100), places (columns of
        `crmlab.satisfaction.change.measure_register.PLACES` that the bank has), and ``weight`` where there is one.
    register : DataFrame
        From `crmlab.satisfaction.change.measure_register.measure_register`.
    days : mapping of str to date
        First day of each wave.
    level : float
        Level of the intervals, and of the verdicts over all measures together (Holm).

    Returns
    -------
    DataFrame
        One row a measure: ``measure_id``, ``measure``, ``owner``, ``indicator``, ``started_on``, ``scope``,
        ``places_count``, ``design`` (``by lot``, ``compared``, ``everybody``, ``not known``), ``wave_before``,
        ``wave_after``, ``before``, ``after``, ``change`` with its limits (those reached, the naive look),
        ``control_change`` with its limits, ``compared_with`` (wave from which the effect is counted; empty by lot),
        ``effect``, ``effect_low``, ``effect_high``, ``plain_effect`` with its limits (difference of the two changes),
        ``drift_before`` with its limits, ``p_value``, ``p_holm``, ``smallest_effect`` (seen four times in five), ``n``
        (responses behind the effect), ``reached_n`` (responses behind the naive change), ``treated_clusters_count``,
        ``control_clusters_count``, ``verdict`` (see `VERDICTS`), ``why``.

    Notes
    -----
    By lot: difference of the means after the start. Not by lot: places are mostly chosen because they did badly in the
    last wave before; part of that is bad luck, which passes by itself (regression to the mean) and which a difference
    in differences counts as effect twice over, once of the treated and once of the others. The effect is therefore
    counted from the wave before the last one: if luck comes and goes alike in both directions of time, what the chosen
    places lacked in the wave of the choice is as far from the wave before as from the wave after, and cancels. A
    measure has ``worked`` only if both looks agree, so that it does not matter in which of the two waves the places
    were chosen. With a single wave before the start that cannot be seen, and the verdict is ``not proven``.
    Everybody: the bare change, no verdict on the measure. See `crmlab.satisfaction.change.measures_taken` for the
    errors. Measured on surveys of 24 branches without any effect, six of them chosen as the lowest of the last wave
    before: before and after called it better in 11 to 39 % of 300 surveys, the plain difference in 19 to 58 %, this
    verdict in 1 to 2 %; chosen as the lowest of the first wave in 1 to 6 %; see ``benchmarks/improvement_tracking.py``.
    Places in which another measure on the same indicator runs are no comparison and are left out, as are customers of
    no known place.

    References
    ----------
    Galton (1886), Regression towards mediocrity; Ashenfelter (1978), Review of Economics and Statistics 60, for the
    dip before a measure; Chabe-Ferret (2015), Journal of Econometrics 185, for symmetric differences.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).normal(0, 3, (3, 8, 20)) + np.array([0, 0, 9])[:, None, None] * (
    ...     np.arange(8) < 4)[:, None]
    >>> scores = pd.DataFrame({"value": 70 + noise.ravel(), "wave": np.repeat(["2023", "2024", "2025"], 160),
    ...     "branch": np.tile(np.repeat(list("abcdefgh"), 20), 3), "customer_id": np.arange(480)})
    >>> register = pd.DataFrame({"measure_id": ["M1"], "measure": ["Call back"], "owner": ["head of service"],
    ...     "indicator": ["value"], "started_on": [pd.Timestamp("2024-08-01")], "scope": ["branch"],
    ...     "places": [tuple("abcd")], "is_drawn_by_lot": [False]})
    >>> days = {"2023": "2023-03-01", "2024": "2024-03-01", "2025": "2025-03-01"}
    >>> found = judge_measures(scores, register, days).iloc[0]
    >>> found["verdict"], round(found["effect"]), found["compared_with"]
    ('worked', 8, '2023')
    """
    when = pd.Series({wave: pd.Timestamp(day) for wave, day in days.items()}).sort_values()
    rows = [_one(scores, register, measure, when, level) for measure in register.to_dict("records")]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    judged = table["design"].isin(["by lot", "compared"])
    table["p_holm"] = holm(table["p_value"].where(judged))
    told = [_verdict(row, 1 - level) for row in table.to_dict("records")]
    return table.assign(verdict=[one for one, _ in told], why=[why for _, why in told])


def _one(scores: pd.DataFrame, register: pd.DataFrame, measure: dict, when: pd.Series, level: float) -> dict:
    names = ("measure_id", "measure", "owner", "indicator", "started_on", "scope")
    row = {name: measure[name] for name in names} | {"places_count": len(measure["places"]), "design": "not known"}
    row |= {"wave_before": "", "wave_after": "", "compared_with": ""} | dict.fromkeys((*_TAKEN, *_EFFECT), math.nan)
    row |= dict.fromkeys(("plain_effect", "plain_effect_low", "plain_effect_high"), math.nan)
    row |= dict.fromkeys(("n", "reached_n", "treated_clusters_count", "control_clusters_count"), 0)
    earlier, later = when[when < measure["started_on"]], when[when >= measure["started_on"]]
    why = _hindrance(scores, measure, earlier, later)
    if why:
        return row | {"why": why}
    rows, treated = _sides(scores, register, measure)
    everybody, by_lot = bool(treated.all()), bool(measure["is_drawn_by_lot"])
    before, after = earlier.index[-1] if len(earlier) else "", later.index[0]
    few = _too_few(rows, treated, measure["indicator"], before, after)
    if few:
        return row | {"why": few}
    cluster = "customer_id" if measure["scope"] == "all" else measure["scope"]
    table = pd.DataFrame({"measure": [measure["measure"]], "owner": [""], "indicator": [measure["indicator"]],
                          "started_on": [measure["started_on"]], "column": [None if everybody else "is_reached"],
                          "value": [None if everybody else True], "is_randomised": [by_lot]})  # fmt: skip
    rows = rows.assign(is_reached=treated)
    found = measures_taken(rows, table, when.to_dict(), cluster=cluster, level=level).iloc[0]
    row |= {name: found[name] for name in (*_TAKEN, *_EFFECT)} | {"wave_before": before, "wave_after": after, "why": ""}
    row["design"] = "everybody" if everybody else "by lot" if by_lot else "compared"
    row |= {f"plain_{name}": found[name] for name in _EFFECT[:3]}
    asked = rows[measure["indicator"]].notna()
    row["reached_n"] = int((asked & treated & rows["wave"].isin([before, after])).sum())
    if row["design"] == "by lot":
        row["n"] = int((asked & (rows["wave"] == after)).sum())
    if row["design"] != "compared":
        return row
    row["compared_with"] = before
    if len(earlier) > 1 and not _too_few(rows, treated, measure["indicator"], earlier.index[-2], after):
        fair = measures_taken(rows[rows["wave"] != before], table, when.drop(before).to_dict(), cluster=cluster,
                              level=level).iloc[0]  # fmt: skip
        row |= {name: fair[name] for name in (*_EFFECT, "n")} | {"compared_with": earlier.index[-2]}
    return row


def _hindrance(scores: pd.DataFrame, measure: dict, earlier: pd.Series, later: pd.Series) -> str:
    """Say why a measure cannot be judged before any answer is looked at; empty if it can."""
    if measure["indicator"] not in scores:
        return f"the survey has no indicator {measure['indicator']!r}"
    if later.empty:
        return "no wave has been in the field since the start"
    if earlier.empty and not (measure["is_drawn_by_lot"] and measure["scope"] != "all"):
        return "there is no wave before the start"
    if measure["scope"] != "all" and measure["scope"] not in [name for name in PLACES if name in scores]:
        return f"the bank does not know the {measure['scope']} of a customer, so nobody knows whom it reached"
    if measure["scope"] != "all" and not was_reached(scores, measure["scope"], measure["places"]).any():
        return "nobody who answered is looked after where it runs"
    return ""


def _sides(scores: pd.DataFrame, register: pd.DataFrame, measure: dict) -> tuple[pd.DataFrame, pd.Series]:
    """Rows that can be compared, and which of them the measure reached."""
    if measure["scope"] == "all":
        return scores, pd.Series(True, index=scores.index)
    place = scores[measure["scope"]]
    usable = place.notna() & (place != NOT_KNOWN) & ~place.isin(rivals_of(register, measure["measure_id"]))
    rows = scores[usable]
    return rows, was_reached(rows, measure["scope"], measure["places"])


def _too_few(rows: pd.DataFrame, treated: pd.Series, indicator: str, before: str, after: str) -> str:
    for side, part in (("reached", rows[treated]), ("others", rows[~treated])):
        for wave in (before, after) if before else (after,):
            n = int(part.loc[part["wave"] == wave, indicator].notna().sum())
            if n < SEEN_AGAIN and (side == "reached" or len(part)):
                return f"fewer than {SEEN_AGAIN} of the {side} answered in {wave}"
    return ""


def _verdict(row: dict, allowed: float) -> tuple[str, str]:
    """Verdict and reason."""
    if row["design"] == "not known":
        return "not known", row["why"]
    if row["design"] == "everybody":
        return "nobody to compare", "everybody got it at once"
    if math.isnan(row["p_value"]):
        return "not known", "too few places had it, or were left without it, for an interval"
    rose = row["change_low"] > 0 or row["plain_effect_low"] > 0
    if not row["p_holm"] < allowed:
        if rose:
            return "only looked so", _why_it_looked_so(row)
        return "no clear effect", "what differs is within chance"
    if row["effect"] < 0:
        return "made it worse", "those reached did worse than the others"
    if row["design"] == "by lot":
        return "worked", "places drawn by lot did better than the others"
    if row["compared_with"] == row["wave_before"]:
        return "not proven", "places were not drawn by lot, and only one wave before the start is known"
    if not row["plain_effect_low"] > 0:
        return "not proven", f"the gain is clear from {row['compared_with']} only, not from {row['wave_before']}"
    return "worked", "its places gained on the others from either wave before"


def _why_it_looked_so(row: dict) -> str:
    if row["design"] == "compared" and row["drift_before_high"] < 0:
        return "its places had just had a bad year, and came back to where they were before"
    if not row["plain_effect_low"] > 0:
        return "the others gained as well"
    return "the gain is no more than bad luck that passed by itself could give"
