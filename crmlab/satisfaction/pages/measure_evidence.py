"""What the page on improvement says of measures: the naive look beside the fair one, and what to do next with each."""

from __future__ import annotations

import datetime as dt
import math
import textwrap

import pandas as pd

from crmlab.satisfaction.change.before_after import clustered_change
from crmlab.satisfaction.change.measure_register import rivals_of, was_reached
from crmlab.satisfaction.change.measure_verdicts import SEEN_AGAIN, VERDICTS
from crmlab.satisfaction.pages.tracking import Tracking
from crmlab.satisfaction.survey.answers import wave_name
from crmlab.satisfaction.survey.groups import NOT_KNOWN
from crmlab.stats import Estimate, Evidence, count_text

__all__ = [
    "COURSE",
    "LOOKED",
    "LOOKS",
    "against_others",
    "code_of",
    "effects_of",
    "measures_table",
    "next_step",
    "next_steps_table",
]

LOOKS = ("before and after, as it looks", "against those without it")
# what the two looks, and the lead over the others, are called, for `crmlab.charts.dots` and `crmlab.charts.lines`
LOOKED = {"label": "label", "value": "x", "low": "x_low", "high": "x_high", "by": "look", "baseline": 0.0,
          "quantity": "Change of the indicator", "unit": "points"}  # fmt: skip
COURSE = {"x": "day", "value": "lead", "low": "lead_low", "high": "lead_high", "by": "measure", "from_zero": False,
          "quantity": "Lead over the others", "unit": "points"}  # fmt: skip
_PLURAL = {"branch": "branches", "district": "districts", "region": "regions"}
_NAIVE = "before and after, clustered"
_METHODS = {"by lot": "difference after a lot, clustered", "compared": "difference of changes, clustered"}
_MOST = 5  # measures whose course is drawn


def effects_of(judged: pd.DataFrame, titles: dict[str, str]) -> Evidence | None:
    """Put the naive look at each measure beside the fair one.

    Parameters
    ----------
    judged : DataFrame
        From `crmlab.satisfaction.change.measure_verdicts.judge_measures`.
    titles : dict of str to str
        What a reader calls an indicator.

    Returns
    -------
    Evidence or None
        Frame: one row a measure and look: ``label`` (measure and indicator), ``look``, ``x``, ``x_low``, ``x_high``
        (points). Estimates: ``measures_count``, ``worked_count``, ``only_looked_count``, and by the number of the
        measure ``effect_<id>`` (with others to compare) and ``naive_<id>``. None where no measure can be judged.
    """
    counts = {"measures_count": len(judged)}
    counts["worked_count"] = int((judged["verdict"] == "worked").sum()) if len(judged) else 0
    counts["only_looked_count"] = int((judged["verdict"] == "only looked so").sum()) if len(judged) else 0
    estimates = {name: Estimate(float(count), "count") for name, count in counts.items()}
    rows, told = [], []
    for one in judged.to_dict("records"):
        if one["design"] == "not known":
            continue
        label = f"{_short(one['measure'], 34)}\n{titles[one['indicator']]}"
        code = code_of(one["measure_id"])
        looks = [(LOOKS[0], "naive", "change", _NAIVE, int(one["reached_n"]))]
        if one["design"] != "everybody":
            looks.append((LOOKS[1], "effect", "effect", _METHODS[one["design"]], int(one["n"])))
        for look, name, column, method, n in looks:
            value, low, high = (one[column + end] for end in ("", "_low", "_high"))
            rows.append({"label": label, "look": look, "x": value, "x_low": low, "x_high": high})
            limits = (None, None) if math.isnan(low) else (low, high)
            if not math.isnan(value):
                estimates[f"{name}_{code}"] = Estimate(value, "points", *limits, n, method)
        told += [reading_of(one, titles)] if one["design"] != "everybody" else []
    if not rows:
        return None
    estimates = dict(sorted(estimates.items(), key=lambda pair: pair[0].startswith("naive_")))  # what holds goes first
    worked, all_of = counts["worked_count"], len(judged)
    others = int((judged["design"] == "everybody").sum())
    told += [f"{others} of {len(judged)} reached everybody, so there is nobody to compare."] if others else []
    return Evidence(
        pd.DataFrame(rows),
        title=f"{worked} of {all_of} measures worked; {counts['only_looked_count']} only looked so",
        about="Points of the indicator (index 0 to 100); 95 % intervals clustered by place, Holm over all measures in "
        f"the verdicts; n = {count_text(int(judged['n'].max()))} responses at most",
        reading=" ".join(told)
        or "No measure left anybody without it, so no effect can be told from what else happened.",
        estimates=estimates,
    )


def reading_of(one: dict, titles: dict[str, str]) -> str:
    """Say in a sentence or two what a judged measure did to its indicator."""
    name, what = one["measure"], titles.get(one["indicator"], one["indicator"])
    if one["design"] == "not known":
        return f"{name} cannot be judged: {one['why']}."
    rose = f"{one['change']:+.1f} points{_limits(one, 'change')}"
    if one["design"] == "everybody":
        since = wave_name(one["wave_before"])
        return f"{name}: {what} changed by {rose} since {since}; everybody got it, so the cause is open."
    size = f"{one['effect']:+.1f} points{_limits(one, 'effect')}"
    if one["design"] == "by lot":
        told = f"{name} was given by lot: {what} is {size} against the places without it"
        return f"{told}, {VERDICTS[one['verdict']].split(',')[0] if one['verdict'] != 'worked' else 'beyond chance'}."
    told = f"{name}: {what} of its places changed by {rose} since {wave_name(one['wave_before'])}"
    if one["compared_with"] == one["wave_before"]:
        return f"{told}, {size} more than the others; whether they had a bad year before is not known."
    plain = f"{one['plain_effect']:+.1f}{_limits(one, 'plain_effect')}"
    fair = (
        f"{told}; counted from {wave_name(one['compared_with'])}, before they could be chosen for a bad year, they "
        f"gained {size} on the others."
    )
    return " ".join([fair, f"The plain difference of changes would have said {plain}."])


def against_others(tracking: Tracking, judged: pd.DataFrame) -> Evidence | None:
    """Follow the lead of each measure's places over the others, wave by wave.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    judged : DataFrame
        From `crmlab.satisfaction.change.measure_verdicts.judge_measures`.

    Returns
    -------
    Evidence or None
        Frame: ``measure``, ``day`` (first of the wave), ``lead``, ``lead_low``, ``lead_high`` (points), ``n``; up to
        five measures. None where no measure left others without it, or there is one wave.
    """
    rows = []
    compared = judged[judged["design"].isin(["by lot", "compared"])].head(_MOST) if len(judged) else judged
    for one in compared.to_dict("records"):
        own = tracking.register.set_index("measure_id").loc[one["measure_id"]]
        place = tracking.scores[one["scope"]]
        usable = place.notna() & (place != NOT_KNOWN) & ~place.isin(rivals_of(tracking.register, one["measure_id"]))
        part = tracking.scores[usable]
        treated = was_reached(part, one["scope"], own["places"])
        for wave, day in tracking.days.items():
            at = (part["wave"] == wave) & part[one["indicator"]].notna()
            if min(int((at & treated).sum()), int((at & ~treated).sum())) < SEEN_AGAIN:
                continue
            found = clustered_change(part.loc[at, one["indicator"]], treated[at], clusters=part.loc[at, one["scope"]],
                                     weights=part.loc[at, "weight"])  # fmt: skip
            low, high = found.limits
            name = textwrap.fill(one["measure"], 22, max_lines=2, placeholder="…")
            rows.append({"measure_id": one["measure_id"], "measure": name,
                         "day": pd.Timestamp(day), "lead": found.change, "lead_low": low, "lead_high": high,
                         "n": found.n})  # fmt: skip
    frame = pd.DataFrame(rows)
    if frame.empty or frame["day"].nunique() < 2:
        return None
    title, reading = _course(judged, frame)
    return Evidence(
        frame,
        title=title,
        about="Mean of the indicator where the measure runs less the mean elsewhere, points; bands: 95 %, clustered by "
        f"place; {count_text(int(frame.groupby('measure')['n'].max().max()))} responses a wave at most",
        reading=reading,
    )


def _course(judged: pd.DataFrame, frame: pd.DataFrame) -> tuple[str, str]:
    """Title and reading of the course: first of all what misled, else what worked."""
    order = {"only looked so": 0, "worked": 1}
    shown = judged[judged["measure_id"].isin(frame["measure_id"])]
    shown = shown.assign(rank=shown["verdict"].map(order).fillna(2)).sort_values("rank", kind="stable")
    told = []
    for one in shown.to_dict("records"):
        days = frame[frame["measure_id"] == one["measure_id"]].sort_values("day")
        before, after = days[days["day"] < one["started_on"]], days[days["day"] >= one["started_on"]]
        if len(before) and len(after):
            told.append((one, float(before["lead"].iloc[-1]), float(after["lead"].iloc[0])))
    if not told:
        return "The course of the places with a measure", "One side of the start is not known."
    one, before, after = told[0]
    title = f"{_short(one['measure'], 32)}: {before:+.1f} points before, {after:+.1f} after"
    sentences = [f"{one['measure']}: {before:+.1f} points against the others in the last wave before, {after:+.1f} in "
                 "the first after." for one, before, after in told]  # fmt: skip
    return title, " ".join(sentences)


def measures_table(judged: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    """Give the table of continuous improvement: measure and indicator, before, after, changes, effect, n."""
    rows = [
        {
            "measure": f"{one['measure']} ({titles.get(one['indicator'], one['indicator']).lower()})",
            "before": one["before"],
            "after": one["after"],
            "change": _cell(one, "change"),
            "others": _cell(one, "control_change"),
            "effect": _cell(one, "effect") if one["design"] in ("by lot", "compared") else None,
            "n": int(one["n"]),
        }
        for one in judged.to_dict("records")
    ]
    return pd.DataFrame(rows)


def next_steps_table(
    judged: pd.DataFrame, register: pd.DataFrame, due: dt.date | None, all_places: dict
) -> pd.DataFrame:
    """Give the list of what to do: ``measure``, ``owner``, ``verdict``, ``because``, ``next_step``, ``cost_amount``.

    Parameters
    ----------
    judged, register : DataFrame
        From `judge_measures` and `measure_register`.
    due : date or None
        When the next wave is due.
    all_places : dict of str to int
        Number of places the bank has, by scope.
    """
    cost = register.set_index("measure_id")["cost_amount"]
    rows = [
        {
            "measure": one["measure"],
            "owner": one["owner"],
            "verdict": one["verdict"],
            "because": one["why"],
            "next_step": next_step(one, due, all_places),
            "cost_amount": cost.get(one["measure_id"], math.nan),
        }
        for one in judged.to_dict("records")
    ]
    return pd.DataFrame(rows)


def next_step(one: dict, due: dt.date | None, all_places: dict[str, int]) -> str:
    """Say what to do next with a judged measure.

    Parameters
    ----------
    one : dict
        Row of `crmlab.satisfaction.change.measure_verdicts.judge_measures`.
    due : date or None
        When the next wave is due.
    all_places : dict of str to int
        Number of places the bank has, by scope.

    Examples
    --------
    >>> one = {"verdict": "worked", "scope": "branch", "places_count": 12, "smallest_effect": 2.0}
    >>> next_step(one, None, {"branch": 24})
    'Continue it, and roll it out to the other 12 branches, in two steps by lot.'
    """
    again = f"after the wave of {due:%B %Y}" if due else "after the next wave"
    left = all_places.get(one["scope"], 0) - one["places_count"]
    where = f"{left} {one['scope'] if left == 1 else _PLURAL.get(one['scope'], 'places')}"
    size = one["smallest_effect"]
    return {
        "worked": f"Continue it, and roll it out to the other {where}, in two steps by lot." if left > 0
        else "Continue it.",
        "only looked so": "Do not roll it out on this evidence: end it, or try it in new places drawn by lot.",
        "not proven": f"Keep it where it runs, draw the next places by lot, and judge again {again}.",
        "no clear effect": "Change it or end it"
        + (f": an effect of {size:.1f} points would probably have been seen." if math.isfinite(size) else "."),
        "made it worse": "End it, and look for the cause.",
        "nobody to compare": "Continue it if it costs little; hold its next step back in half of the branches, by lot.",
        "not known": f"Mend what is missing, and judge it {again}.",
    }[one["verdict"]]  # fmt: skip


def _cell(one: dict, name: str) -> str | None:
    value = one[name]
    return None if math.isnan(value) else f"{value:+.1f}{_limits(one, name)}".replace("-0.0 ", "0.0 ")


def _limits(one: dict, name: str) -> str:
    low, high = one[f"{name}_low"], one[f"{name}_high"]
    return "" if math.isnan(low) else f" ({low:.1f} to {high:.1f})"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def code_of(measure_id: str) -> str:
    """Turn the number of a measure into a part of a name.

    Parameters
    ----------
    measure_id : str
        As in the register.

    Examples
    --------
    >>> code_of("M-01 b")
    'm_01_b'
    """
    plain = "".join(one if one.isascii() and one.isalnum() else "_" for one in measure_id.lower())
    return plain[:40]
