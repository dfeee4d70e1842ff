"""The answer about measures in sentences: what worked, what only looked so, where the index stands, what goes on."""

from __future__ import annotations

import pandas as pd

from crmlab.satisfaction.change.measure_register import PLACES
from crmlab.satisfaction.pages.measure_evidence import code_of
from crmlab.satisfaction.pages.tracking import Tracking
from crmlab.satisfaction.survey.answers import wave_name
from crmlab.stats import Estimate, Evidence

__all__ = ["NO_REGISTER", "headline", "labels", "others", "outlook", "places_in", "trend"]

NO_REGISTER = (
    "this bank keeps no table `measures`; write one row a measure and place, with measure_id, measure_name, owner (a "
    "role), indicator (a latent variable, dimension or item of the questionnaire, nps or csat), started_on, scope "
    "(all, region, district or branch), scope_value and is_drawn_by_lot"
)
_MOST = 4  # measures told by name
_STEPS = {
    "worked": " goes on and is rolled out",
    "only looked so": " ends, or is tested in places drawn by lot",
    "not proven": " stays where it runs, its next places drawn by lot",
    "no clear effect": " is changed or ends",
    "made it worse": " is ended",
    "nobody to compare": " goes on if it costs little, its next step held back in half of the branches",
    "not known": " is judged later",
}


def headline(tracking: Tracking, judged: pd.DataFrame) -> str:
    """Say how many measures worked, and by how much, with interval.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    judged : DataFrame
        From `crmlab.satisfaction.change.measure_verdicts.judge_measures`.
    """
    if not len(judged):
        return "Whether measures worked cannot be said: the bank keeps no register of them."
    known = judged[judged["design"] != "not known"]
    if not len(known):
        why = tracking.why.rstrip(".") or judged["why"].iloc[0]
        return f"None of {len(judged)} {_measures(len(judged))} can be judged yet: {why}."
    worked = known[known["verdict"] == "worked"].to_dict("records")
    told = [_told(one, tracking.titles) for one in worked[:_MOST]]
    return " ".join([f"{len(worked)} of {len(judged)} {_measures(len(judged))} worked.", *told])


def others(tracking: Tracking, judged: pd.DataFrame) -> str:
    """Say of the measures that did not prove to work what they did; empty where there are none.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    judged : DataFrame
        From `crmlab.satisfaction.change.measure_verdicts.judge_measures`.
    """
    if not len(judged) or not (judged["design"] != "not known").any():
        return ""
    order = {verdict: place for place, verdict in enumerate(_STEPS)}
    rest = judged[judged["verdict"] != "worked"].sort_values("verdict", key=lambda c: c.map(order), kind="stable")
    parts = [_told(one, tracking.titles) for one in rest.head(_MOST).to_dict("records")]
    more = len(rest) - len(parts)
    return " ".join([*parts, *([f"{more} more are in the table."] if more else [])])


def _told(one: dict, titles: dict[str, str]) -> str:
    what, name = titles.get(one["indicator"], one["indicator"]).lower(), one["measure"]
    effect = _estimate(one, "effect", int(one["n"]))
    change = _estimate(one, "change", int(one["reached_n"]))
    verdict = one["verdict"]
    if verdict == "worked":
        size, facts = effect.value, _facts(effect)
        if one["design"] == "by lot":
            return f"{name} raised {what} by {size:.1f} points of 100 ({facts}) where it was given by lot."
        return f"{name} raised {what} by {size:.1f} points of 100 ({facts}) against those without it."
    if verdict == "nobody to compare":
        moved = "rose" if one["change_low"] > 0 else "fell" if one["change_high"] < 0 else "did not clearly change"
        return f"{name}: {what} {moved}, {change.text}; everybody got it, so the cause stays open."
    if verdict == "only looked so":
        rose = f"{name} only looked so: {what} rose by {change.short}"
        return f"{rose}, but {one['why']}; fairly compared it gained {effect.text}."
    if verdict == "made it worse":
        return f"{name} goes with worse {what}: {effect.text} against those without it."
    if verdict == "not proven":
        return f"{name} is not proven: {effect.text} on {what}, but {one['why']}."
    if verdict == "not known":
        return f"{name} cannot be judged: {one['why']}."
    return f"{name} shows no clear effect on {what}: {effect.text}."


def trend(tracking: Tracking, stands: Evidence | None, changed: Evidence | None) -> str:
    """Say where the index stands and how it moved since the wave before.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    stands, changed : Evidence or None
        From `crmlab.satisfaction.pages.wave_evidence`.
    """
    if tracking.study is None or stands is None:
        return f"There is no index of satisfaction: {tracking.why.rstrip('.') or 'under ten answers in the wave'}."
    target = tracking.study.target
    now = stands[f"index_{target}"]
    name, level, facts, wave = tracking.titles[target], now.value, _facts(now), wave_name(tracking.waves[-1])
    key = f"change_{target}"
    if changed is None or key not in changed.estimates:
        return f"{name} stands at {level:.1f} of 100 ({facts}) in {wave}; there is no earlier wave to compare with."
    row = changed.frame.set_index("item").loc[target]
    change = changed[key]
    clear = "a change beyond chance" if row["is_change"] else "no change beyond chance"
    moved = changed.frame[changed.frame["is_change"] & (changed.frame["item"] != target)]
    told = [f"{one.title.lower()} by {one.change:+.1f}" for one in
            moved.sort_values("change", key=lambda c: -c.abs()).head(3).itertuples()]  # fmt: skip
    also = f" Changed for sure: {', '.join(told)}." if told else ""
    return (
        f"{name} stands at {level:.1f} of 100 ({facts}) in {wave}, {change.value:+.1f} points ({change.low:.1f} to "
        f"{change.high:.1f}) since {wave_name(tracking.waves[-2])}: {clear}.{also}"
    )


def outlook(tracking: Tracking, judged: pd.DataFrame) -> str:
    """Say what to do with each measure and when to look again.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    judged : DataFrame
        From `crmlab.satisfaction.change.measure_verdicts.judge_measures`.
    """
    due = tracking.next_wave_on
    again = f"Look again after the wave due in {due:%B %Y}." if due else "Look again after the first wave."
    if not len(judged):
        return f"Write the register of measures, and start the next one in half of its places, drawn by lot. {again}"
    parts = []
    for verdict, step in _STEPS.items():
        names = judged.loc[judged["verdict"] == verdict, "measure"].tolist()
        if names:
            shown = names if len(names) <= _MOST else [*names[:_MOST], f"{len(names) - _MOST} more"]
            parts.append(f"{', '.join(shown)}: each{step}" if len(shown) > 1 else f"{shown[0]}{step}")
    return f"What goes on: {'; '.join(parts)}. {again}"


def places_in(tracking: Tracking) -> dict[str, int]:
    """Count the places of each kind among the customers who answered."""
    return {name: int(tracking.scores[name].nunique()) for name in PLACES if name in tracking.scores}


def labels(tracking: Tracking, judged: pd.DataFrame, estimates: dict[str, Estimate]) -> dict[str, str]:
    """Name each number of the page for a reader.

    Parameters
    ----------
    tracking : Tracking
        Its titles of indicators.
    judged : DataFrame
        Its names of measures.
    estimates : dict of str to Estimate
        The numbers.
    """
    found = {
        "measures_count": "Measures in the register",
        "worked_count": "Measures that worked",
        "only_looked_count": "Measures that only looked so",
        "csat_usual": "Usual satisfaction after contacts",
        "csat_signals_count": "Signals of the control chart",
        "places_moved_count": "Places that moved for sure",
    }
    names = (
        dict(zip([code_of(one) for one in judged["measure_id"]], judged["measure"], strict=True)) if len(judged) else {}
    )
    for key in estimates:
        kind, _, what = key.partition("_")
        if kind == "index":
            found[key] = f"{tracking.titles.get(what, what)} now, 0 to 100"
        elif kind == "change":
            found[key] = f"{tracking.titles.get(what, what)}, change since the wave before"
        elif kind in ("effect", "naive") and what in names:
            found[key] = f"{names[what]}: {'effect' if kind == 'effect' else 'before and after, as it looks'}"
    return found


def _measures(count: int) -> str:
    return "measure" if count == 1 else "measures"


def _estimate(one: dict, name: str, n: int) -> Estimate:
    low, high = one[f"{name}_low"], one[f"{name}_high"]
    limits = (None, None) if pd.isna(low) else (low, high)
    return Estimate(one[name], "points", *limits, n)


def _facts(estimate: Estimate) -> str:
    """Interval and n."""
    inner = [f"95 % interval {estimate.low:.1f} to {estimate.high:.1f}"] if estimate.low is not None else []
    inner += [f"n = {estimate.n:,}"] if estimate.n else []
    return ", ".join(inner)
