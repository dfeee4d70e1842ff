"""Satisfaction after contacts, month by month: does it move more than chance, and did a measure move it."""

from __future__ import annotations

import math

import pandas as pd

from crmlab.satisfaction.change.control_chart import ControlChart, by_period, control_chart
from crmlab.satisfaction.change.measure_verdicts import judge_measures
from crmlab.satisfaction.pages.tracking import Tracking
from crmlab.stats import Estimate, Evidence, count_text, share_text

__all__ = ["COURSE", "after_contacts", "contact_effects", "events_of", "usual_course"]

# what the chart is called, for `crmlab.charts.control_chart`
COURSE = {"quantity": "Satisfaction after a contact", "unit": "points"}
_FEWEST = 10  # answers of a period that is shown
_MOST_THIN = 0.25  # share of thin months from which quarters are taken
_YEAR_DAYS = 365
_LONGEST = 34  # characters of a measure's name on the chart


def usual_course(tracking: Tracking, *, baseline_months: int = 12) -> tuple[ControlChart | None, str]:
    """Draw limits for satisfaction after contacts from its first months.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    baseline_months : int
        Months from which the limits are learned.

    Returns
    -------
    ControlChart or None
        By month, or by quarter where a quarter of the months has under ten answers; periods of under ten answers are
        left out. None where there is nothing to learn from.
    str
        Why there is none, or an empty text.
    """
    contacts = tracking.contacts
    if not len(contacts):
        return None, "this bank's survey does not ask after contacts"
    months = contacts["answered_on"].dt.to_period("M")
    grid = pd.period_range(months.min(), months.max(), freq="M")
    counts = months.value_counts().reindex(grid, fill_value=0)
    is_monthly = (counts < _FEWEST).mean() < _MOST_THIN
    period = months if is_monthly else contacts["answered_on"].dt.to_period("Q")
    found = by_period(contacts.assign(period=period), "csat", "period")
    kept = found[found["n"] >= _FEWEST]
    first = period.min()
    length = baseline_months if is_monthly else math.ceil(baseline_months / 3)
    baseline = [one for one in kept["period"] if (one - first).n < length]
    names = {one: str(one) for one in kept["period"]}
    kept = kept.assign(period=kept["period"].map(names))
    if len(baseline) < 2 or len(kept) <= len(baseline):
        return (
            None,
            f"n = {count_text(len(contacts))} answers after contacts; nothing is left beyond the months to learn from",
        )
    return control_chart(kept, kind="mean", baseline=[names[one] for one in baseline]), ""


def after_contacts(tracking: Tracking, chart: ControlChart) -> Evidence:
    """Say whether satisfaction after contacts left its usual course.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    chart : ControlChart
        From `usual_course`.

    Returns
    -------
    Evidence
        Frame as `crmlab.charts.control_chart` takes it. Estimates: ``csat_usual``, ``csat_signals_count``.
    """
    frame = chart.frame
    after = frame[~frame["is_baseline"]]
    signals = after[after["is_signal"]]
    unit = "month" if len(str(frame["period"].iloc[0])) == 7 else "quarter"
    low, high = tracking.contact_scale
    before = frame[frame["is_baseline"]]
    error = float(((before["high"] - before["center"]) / 3).pow(-2).sum()) ** -0.5
    usual = Estimate(chart.center, "points", chart.center - 1.96 * error, chart.center + 1.96 * error,
                     int(before["n"].sum()), f"mean of the first {len(before)} {unit}s")  # fmt: skip
    found = f"{len(signals)} of {len(after)} {unit}s leave the usual course"
    title = f"Satisfaction after contacts: {found if len(signals) else f'no signal in {len(after)} {unit}s'}"
    told = [
        f"The usual level is {usual.short} of {high:g} ({usual.interval}).",
        *(_signals(signals, unit) or [f"Since then the {unit}s move around it by chance alone."]),
        f"If nothing happened, {share_text(chart.false_alarm_share)} of such charts would still signal, one false "
        f"signal in {chart.run_length:.0f} {unit}s on average.",
    ]
    return Evidence(
        frame,
        title=title,
        about=f"Mean answer after a contact, {low:g} to {high:g} points, by {unit}; limits: three standard errors, "
        f"from the first {len(before)} {unit}s; n = {count_text(int(frame['n'].sum()))} answers",
        reading=" ".join(told),
        estimates={"csat_usual": usual, "csat_signals_count": Estimate(float(len(signals)), "count")},
    )


def events_of(tracking: Tracking, chart: ControlChart, surges: pd.DataFrame | None = None) -> pd.DataFrame:
    """Mark the starts of measures, and months with an unusual run of contacts, on a chart.

    Parameters
    ----------
    tracking : Tracking
        Its register names measures and starts.
    chart : ControlChart
        From `usual_course`.
    surges : DataFrame, optional
        ``month`` (Period) and ``topic``: see `crmlab.satisfaction.change.contact_surges.contact_surges`.

    Returns
    -------
    DataFrame
        ``period`` and ``label``, of periods that are on the chart.
    """
    frequency = "M" if len(str(chart.frame["period"].iloc[0])) == 7 else "Q"
    rows = [(pd.Timestamp(one["started_on"]), _cut(one["measure"])) for one in tracking.register.to_dict("records")]
    if surges is not None:
        rows += [(one.month.start_time, f"many about {one.topic}".replace("_", " ")) for one in surges.itertuples()]
    table = pd.DataFrame(rows, columns=["day", "label"]).sort_values("day", kind="stable")
    if not len(table):
        return pd.DataFrame({"period": [], "label": []})
    period = pd.PeriodIndex(pd.to_datetime(table["day"]), freq=frequency).astype(str)
    found = pd.DataFrame({"period": period, "label": table["label"].to_numpy()})
    return found[found["period"].isin(chart.frame["period"])].reset_index(drop=True)


def contact_effects(tracking: Tracking) -> Evidence | None:
    """Judge the measures by satisfaction after contacts: the year from the start against the years before.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.

    Returns
    -------
    Evidence or None
        Frame: rows of `crmlab.satisfaction.change.measure_verdicts.judge_measures` with the indicator ``csat``, of
        measures that left others without them. None where there is none, or no answers around its start.
    """
    register = tracking.register[tracking.register["scope"] != "all"]
    parts = []
    for measure in register.to_dict("records"):
        start = pd.Timestamp(measure["started_on"])
        years = ((tracking.contacts["answered_on"] - start).dt.days // _YEAR_DAYS) if len(tracking.contacts) else None
        if years is None:
            return None
        names = {-2: "two years before", -1: "year before", 0: "year from the start"}
        rows = tracking.contacts.assign(wave=years.map(names)).dropna(subset=["wave"])
        days = {name: start + pd.Timedelta(days=_YEAR_DAYS * at) for at, name in names.items()}
        days = {name: day for name, day in days.items() if (rows["wave"] == name).any()}
        one = register[register["measure_id"] == measure["measure_id"]].assign(indicator="csat")
        parts.append(judge_measures(rows, one, days))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    table = table[table["design"].isin(["by lot", "compared"])] if len(table) else table
    if not len(table):
        return None
    told = [
        f"{one.measure} {one.effect:+.2f} points ({one.effect_low:.2f} to {one.effect_high:.2f}; "
        f"{one.smallest_effect:.2f} would be seen four times in five)"
        for one in table.itertuples()
    ]
    clear = int((table["p_value"] * len(table) < 0.05).sum())
    return Evidence(
        table,
        title=f"Satisfaction after contacts shows {clear} of {len(table)} measures",
        about="",
        reading=f"Answers after contacts where a measure runs, against the others: {'; '.join(told)}. "
        + ("" if clear else "So contacts alone neither prove nor refute a measure."),
    )


def _signals(signals: pd.DataFrame, unit: str) -> list[str]:
    """Say when and how the course was left first, in sentences."""
    if not len(signals):
        return []
    first = signals.iloc[0]
    month, value, is_above = first["period"], first["value"], first["value"] > first["center"]
    later = len(signals) - 1
    more = [f"One later {unit} signals too." if later == 1 else f"{later} later {unit}s signal too."] if later else []
    if first["reason"] == "beyond the limits":
        if is_above:
            return [f"{month} lies above the limits with {value:.2f}.", *more]
        return [f"{month} lies below the limits with {value:.2f}.", *more]
    if is_above:
        return [f"In {month} the eighth {unit} in a row lay above it, the sign of a small lasting shift.", *more]
    return [f"In {month} the eighth {unit} in a row lay below it, the sign of a small lasting shift.", *more]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
