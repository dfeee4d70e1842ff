"""Did the measures work? Each measure's indicator before and after, against customers who did not get it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.change.before_after import ClusteredChange, clustered_change, compared_change
from crmlab.stats import Evidence
from crmlab.stats.differences import holm

__all__ = ["MEASURES_COLUMNS", "measures_evidence", "measures_taken"]

MEASURES_COLUMNS = ("measure", "owner", "indicator", "started_on", "column", "value")
_LOOK = 1.959963984540054 + 0.8416212335729143  # standard errors of an effect seen four times in five


def measures_taken(
    answers: pd.DataFrame,
    measures: pd.DataFrame,
    waves: Mapping[str, object],
    *,
    cluster: str,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tell for each measure whether its indicator moved more than that of customers without it.

    Parameters
    ----------
    answers : DataFrame
        One row a response: ``wave``, the indicators (float, gaps allowed), the columns named in `measures`, the column
        `cluster`, and ``weight`` (0 or more) where there is one.
    measures : DataFrame
        One row a measure: ``measure``, ``owner``, ``indicator`` (column of the answers), ``started_on`` (date),
        ``column`` and ``value`` (the customers who got it, such as ``branch_group`` and ``pilot``; a gap: everybody
        did). Optional: ``is_randomised`` (True: drawn by lot), ``is_higher_better`` (default True).
    waves : mapping of str to date
        Day on which each wave was in the field.
    cluster : str
        What the measure was given to as a whole: the branch, or ``customer_id``. Answers of one cluster go together.
    level : float
        Level of the intervals, and of the verdicts over all measures together (Holm).

    Returns
    -------
    DataFrame
        One row a measure, as given: ``measure``, ``owner``, ``indicator``, ``design`` (``randomised``, ``compared``,
        ``before and after``, ``not known``), ``before``, ``after``, ``change``, ``change_low``, ``change_high``,
        ``control_change``, ``control_change_low``, ``control_change_high``, ``effect``, ``effect_low``,
        ``effect_high``, ``p_value``, ``p_holm``, ``drift_before`` with its limits (the same comparison between the two
        waves before) and ``is_parallel``, ``verdict`` (``better``, ``no clear change``, ``worse``, ``not known``),
        ``reading``, ``next_step``, ``smallest_effect``, ``n``, ``treated_clusters_count``, ``control_clusters_count``.

    Notes
    -----
    Compared are the last wave before ``started_on`` and the first wave from it on. ``compared``: effect = change of the
    treated less change of the others (difference in differences); it is the measure's own if both would have moved
    alike without it, which ``drift_before`` checks where there are two waves before. Places chosen for a bad wave come
    back by themselves, and this comparison takes that for an effect: let `crmlab.satisfaction.change.measure_verdicts`
    judge. ``randomised``: difference of the means after, no assumption needed. ``before and after``: no others; the
    effect is the bare change, it holds all that happened in that year, and is told as associated. Errors are
    cluster-robust for few clusters; see `clustered_change`. One treated cluster is held against the spread of the
    changes of the others. Measured chance of a wrong "better" or "worse" at 5 %: see
    ``benchmarks/satisfaction_surveys.py``.

    References
    ----------
    Angrist and Pischke (2009), Mostly Harmless Econometrics, chapter 5; Bertrand, Duflo and Mullainathan (2004), How
    much should we trust differences-in-differences estimates?, Quarterly Journal of Economics 119; Roth (2022),
    Pretest with caution, American Economic Review: Insights 4.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": ["2024", "2025"] * 6, "branch": np.repeat(list("abcdef"), 2),
    ...     "group": np.repeat(["pilot", "other"], 6),
    ...     "sat": [6.0, 8.0, 7.0, 9.1, 6.5, 8.4, 7.0, 7.1, 6.0, 5.9, 8.0, 8.2]})
    >>> table = pd.DataFrame({"measure": ["Call back"], "owner": ["Li"], "indicator": ["sat"],
    ...     "started_on": ["2024-12-01"], "column": ["group"], "value": ["pilot"]})
    >>> found = measures_taken(answers, table, {"2024": "2024-05-01", "2025": "2025-05-01"}, cluster="branch").iloc[0]
    >>> found["verdict"], found["reading"]
    ('better', 'Call back (sat): +1.93 (+1.64 to +2.23) more than the others.')
    """
    days = _checked(answers, measures, waves, cluster)
    rows = [_one(answers, measure, days, cluster, level) for measure in measures.to_dict("records")]
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_value"])
    better = [bool(m.get("is_higher_better", True)) for m in measures.to_dict("records")]
    verdicts = [_verdict(row, up, level) for row, up in zip(table.to_dict("records"), better, strict=True)]
    table["verdict"] = verdicts
    said = [_said(row) for row in table.to_dict("records")]
    table["reading"], table["next_step"] = [one for one, _ in said], [two for _, two in said]
    names = ["measure", "owner", "indicator", "design", "before", "after"]
    for part in ("change", "control_change", "effect"):
        names += [part, f"{part}_low", f"{part}_high"]
    names += ["p_value", "p_holm", "drift_before", "drift_before_low", "drift_before_high", "is_parallel", "verdict"]
    names += ["reading", "next_step", "smallest_effect", "n", "treated_clusters_count", "control_clusters_count"]
    return table[names]


def measures_evidence(table: pd.DataFrame) -> Evidence:
    """Give the table of measures to a notebook."""
    known = table[table["verdict"] != "not known"]
    counts = known["verdict"].value_counts()
    better, worse = int(counts.get("better", 0)), int(counts.get("worse", 0))
    alone = int((known["design"] == "before and after").sum())
    told = known.assign(size=known["effect"].abs()).sort_values("size", ascending=False, kind="stable")
    told = told[told["verdict"] != "no clear change"].head(1)["reading"].tolist()
    notes = [f"{alone} of {len(known)} had nobody to compare with."] if alone else []
    lost = len(table) - len(known)
    notes += [f"{lost} of {len(table)} cannot be judged yet."] if lost else []
    return Evidence(
        table,
        title=f"{better} of {len(known)} measures made it better, {worse} worse",
        about=f"Change of the treated less change of the others, 95 % interval, n = {int(table['n'].sum()):,}",
        reading=" ".join([*(told or ["No measure shows a clear effect."]), *notes]),
    )


def _one(answers: pd.DataFrame, measure: dict, days: pd.Series, cluster: str, level: float) -> dict:
    start = pd.Timestamp(measure["started_on"])
    earlier, later = days[days < start], days[days >= start]
    everybody = pd.isna(measure["column"]) or pd.isna(measure["value"])
    by_lot = bool(measure.get("is_randomised", False)) and not everybody
    treated = pd.Series(True, index=answers.index) if everybody else answers[measure["column"]] == measure["value"]
    row = {name: measure[name] for name in ("measure", "owner", "indicator")}
    row |= dict.fromkeys(("drift_before", "drift_before_low", "drift_before_high"), math.nan) | {"is_parallel": None}
    if later.empty or (earlier.empty and not by_lot):
        missing = "after" if later.empty else "before"
        return row | _nothing() | {"design": "not known", "why": f"there is no wave {missing} its start"}
    after = later.index[0]
    before = after if earlier.empty else earlier.index[-1]
    options = {"cluster": cluster, "indicator": measure["indicator"], "level": level}
    own = _side(answers[treated], before, after, **options)
    rest = _side(answers[~treated], before, after, **options)
    gap = next(((side, wave) for side, one in (("treated", own), ("other", rest)) for wave, mean in
                ((before, one.before), (after, one.after)) if np.isnan(mean) and not (side == "other" and everybody)
                and not (by_lot and wave == before)), None)  # fmt: skip
    if gap:
        side, wave = gap
        return row | _nothing() | {"design": "not known", "why": f"nobody answered among {side} wave {wave}"}
    design = "before and after" if everybody else "randomised" if by_lot else "compared"
    effect = own if everybody else _effect(answers, treated, before, after, by_lot, **options)
    if design == "compared" and len(earlier) > 1:
        drift = _effect(answers, treated, earlier.index[-2], before, False, **options)
        low, high = drift.limits
        row |= {"drift_before": drift.change, "drift_before_low": low, "drift_before_high": high}
        row["is_parallel"] = None if math.isnan(low) else bool(low <= 0 <= high)
    return row | {"design": design, "why": ""} | _numbers(own, rest, effect, everybody)


def _side(
    rows: pd.DataFrame, before: str, after: str, *, cluster: str, indicator: str, level: float, only: bool = False
) -> ClusteredChange:
    part = rows[rows["wave"].isin([before, after])]
    weights = part["weight"] if "weight" in part.columns else None
    return clustered_change(
        part[indicator].astype(float),
        part["wave"] == after,
        clusters=part[cluster],
        weights=weights,
        is_after_only=only,
        level=level,
    )


def _effect(
    answers: pd.DataFrame, treated: pd.Series, before: str, after: str, by_lot: bool, **options: object
) -> ClusteredChange:
    own = _side(answers[treated], before, after, only=by_lot, **options)
    others = answers[~treated]
    rest = _side(others, before, after, only=by_lot, **options)
    waves = [after] if by_lot else [before, after]
    part = others[others["wave"].isin(waves) & others[options["indicator"]].notna()]
    means = part.pivot_table(index=options["cluster"], columns="wave", values=options["indicator"], observed=True)
    if set(waves) - set(means.columns):
        return compared_change(own, rest)
    changes = (means[after] if by_lot else means[after] - means[before]).dropna()
    return compared_change(own, rest, spread=float(changes.std()) if len(changes) > 1 else math.nan)


def _numbers(own: ClusteredChange, rest: ClusteredChange, effect: ClusteredChange, everybody: bool) -> dict:
    nothing = (math.nan, math.nan)
    found = {"before": own.before, "after": own.after, "change": own.change}
    found["change_low"], found["change_high"] = own.limits
    found["control_change"] = math.nan if everybody else rest.change
    found["control_change_low"], found["control_change_high"] = nothing if everybody else rest.limits
    found["effect"], found["p_value"] = effect.change, effect.p_value
    found["effect_low"], found["effect_high"] = effect.limits
    found["smallest_effect"] = _LOOK * effect.error
    found["n"] = own.n + (0 if everybody else rest.n)
    found["treated_clusters_count"] = own.clusters_count
    found["control_clusters_count"] = 0 if everybody else rest.clusters_count
    return found


def _nothing() -> dict:
    nobody = ClusteredChange(*(math.nan,) * 5, 0, 0)
    return _numbers(nobody, nobody, nobody, True)


def _verdict(row: dict, up: bool, level: float) -> str:
    if math.isnan(row["p_value"]):
        return "not known"
    if not row["p_holm"] < 1 - level:
        return "no clear change"
    return "better" if (row["effect"] > 0) == up else "worse"


def _said(row: dict) -> tuple[str, str]:
    """Reading and next step of a measure."""
    name = f"{row['measure']} ({row['indicator']})"
    if row["design"] == "not known":
        return f"{name}: not known, {row['why']}.", "Ask again in the next wave."
    if row["verdict"] == "not known":
        few = "too few clusters, or all answers alike"
        return (
            f"{name}: {row['effect']:+.2f}, interval not known ({few}).",
            "Give it to several clusters, leave others.",
        )
    size = f"{row['effect']:+.2f} ({row['effect_low']:+.2f} to {row['effect_high']:+.2f})"
    if row["design"] == "before and after":
        reading = f"{name}: {size} from before to after, associated with the measure; common drift is in it."
        return reading, "Next time start in some branches and leave others."
    by_lot = row["design"] == "randomised"
    reading = f"{name}: {size} against a group drawn by lot." if by_lot else f"{name}: {size} more than the others."
    if row["is_parallel"] is False:
        return reading + " " + "Groups moved apart before it started.", "Compare with branches that moved alike before."
    steps = {
        "better": "Keep it and extend it to the others.",
        "worse": "Stop it and look for the cause.",
        "no clear change": f"Keep measuring; an effect of {row['smallest_effect']:.2g} would probably have been seen.",
    }
    return reading, steps[row["verdict"]]


def _checked(answers: pd.DataFrame, measures: pd.DataFrame, waves: Mapping[str, object], cluster: str) -> pd.Series:
    lacking = [name for name in MEASURES_COLUMNS if name not in measures.columns]
    refuse(
        *(
            [f"measures: columns {lacking} are missing; there are {list(measures.columns)}. Add them."]
            if lacking
            else []
        ),
        *(
            f"measures_taken: the answers lack column {name!r}.{nearest(name, answers.columns)} Name one they have."
            for name in ("wave", cluster)
            if name not in answers.columns
        ),
    )
    problems = [] if len(measures) else ["measures: the table is empty. Give one row a measure."]
    for row in measures.to_dict("records"):
        who = f"measure {row['measure']!r}"
        for name in (row["indicator"], row["column"]):
            if not pd.isna(name) and name not in answers.columns:
                near = nearest(name, answers.columns)
                problems.append(f"{who}: the answers lack column {name!r}.{near} Name one they have.")
            elif name == row["column"] and not pd.isna(name) and not pd.isna(row["value"]):
                seen = answers[name].dropna().unique().tolist()
                if row["value"] not in seen:
                    problems.append(
                        f"{who}: nobody has {name} {row['value']!r}.{nearest(row['value'], seen)} "
                        f"Give one of {sorted(map(str, seen))[:6]}."
                    )
        if pd.isna(pd.to_datetime(row["started_on"], errors="coerce")):
            problems.append(f"{who}: started_on {row['started_on']!r} is no date. Write YYYY-MM-DD.")
    unknown = sorted(set(answers["wave"].dropna()) - set(waves))
    if unknown:
        problems.append(f"waves: the days of {unknown} are not given. Add the day on which each was in the field.")
    if "weight" in answers.columns:
        bad = int((~np.isfinite(answers["weight"].astype(float)) | (answers["weight"] < 0)).sum())
        if bad:
            problems.append(
                f"measures_taken: {bad:,} of {len(answers):,} weights are negative or missing. Give 0 or more."
            )
    if answers[cluster].isna().any():
        problems.append(
            f"measures_taken: {cluster} is missing in {int(answers[cluster].isna().sum()):,} of {len(answers):,} "
            "responses. Fill it, or leave them out."
        )
    refuse(*problems)
    present = set(answers["wave"])
    return pd.Series({name: pd.Timestamp(day) for name, day in waves.items() if name in present}).sort_values()
