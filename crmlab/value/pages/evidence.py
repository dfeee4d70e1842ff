"""What the page on customer value shows: money by part, who makes it, what is expected, how sure, what moves it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.stats import Estimate, Evidence, amount_text, share_text
from crmlab.value.concentration import value_by_group, whale_curve
from crmlab.value.forecast.assumptions import move_assumptions
from crmlab.value.study import OutOfTime, ValueStudy

__all__ = [
    "CALIBRATION",
    "FEWEST",
    "GROUPS",
    "MOVES",
    "TENTHS",
    "assumptions",
    "by_group",
    "expected",
    "how_sure",
    "parts",
    "service",
    "whale",
]

FEWEST = 10  # customers below which a page shows no amount
GROUPS = {"label": "group", "value": "mean_amount", "low": "mean_low_amount", "high": "mean_high_amount",
          "by": "when", "n": "customers_count", "quantity": "Value a customer"}  # fmt: skip
CALIBRATION = {"quantity": "Value a customer"}
TENTHS = {"label": "tenth", "value": "mean_amount", "low": "mean_low_amount", "high": "mean_high_amount",
          "groups": "Tenth of customers by expected value, number", "quantity": "Value a customer"}  # fmt: skip
MOVES = {"quantity": "Expected value of all customers"}


def parts(study: ValueStudy) -> Evidence | None:
    """Tell what customers brought and cost in the last months, by part; None where under ten are there.

    Parameters
    ----------
    study : ValueStudy
    """
    if len(study.past) < FEWEST:
        return None
    frame = _by_family(study.past)
    total = float(study.past["value_amount"].sum())
    margin, cost = float(study.past["margin_amount"].sum()), float(study.past["cost_amount"].sum())
    n, money, months = len(study.past), study.currency, _months(study.months)
    left = amount_text(total, money)
    spent = f"; less {amount_text(-cost, money)} of service and expected losses, {left} are left" if cost else ""
    largest = frame.iloc[0]
    led = f"{largest['part']}: {amount_text(largest['total_amount'], money)}"
    return Evidence(
        frame.rename(
            columns={"part": "Part", "total_amount": f"{months.capitalize()}, {money}", "customers_count": "customers"}
        ),
        title=f"Customers brought {amount_text(total, money)} in the last {months}",
        about=f"Sum over {n:,} customers, {money}; full count",
        reading=" ".join([f"Margin and fees were {amount_text(margin, money)}{spent}.", f"The most comes from {led}."]),
        estimates={"past_value_total": Estimate(total, money, n=n)},
    )


def _by_family(past: pd.DataFrame) -> pd.DataFrame:
    """Interest and fees of a family together, service of all channels together, then expected losses and the value."""
    rows: dict[str, list[str]] = {}
    for name in past:
        if name not in ("margin_amount", "cost_amount", "value_amount"):
            words = name.removesuffix("_amount").replace("_", " ")
            kind = "service" if words.startswith("service") else words.rsplit(" ", 1)[0]
            rows.setdefault("expected loss" if words == "expected loss" else kind, []).append(name)
    told = [(kind, float(past[names].sum().sum()), int((past[names] != 0).any(axis=1).sum()))
            for kind, names in rows.items()]  # fmt: skip
    told.sort(key=lambda row: -row[1])
    told.append(("value", float(past["value_amount"].sum()), len(past)))
    return pd.DataFrame(told, columns=["part", "total_amount", "customers_count"])


def service(study: ValueStudy) -> pd.DataFrame:
    """What serving customers cost in the last months, by what costs; no rows where it is not known."""
    names = [name for name in study.past if name.startswith("service_") and name != "service_amount"]
    rows = [(name.removeprefix("service_").removesuffix("_amount"), -float(study.past[name].sum()),
             int((study.past[name] != 0).sum())) for name in names]  # fmt: skip
    rows = sorted((row for row in rows if row[1] > 0), key=lambda row: -row[1])
    return pd.DataFrame(
        rows, columns=["What costs", f"{_months(study.months).capitalize()}, {study.currency}", "customers"]
    )


def whale(study: ValueStudy, *, seed: int = 1) -> Evidence | None:
    """Show who makes and who costs money; None where under ten are there.

    Parameters
    ----------
    study : ValueStudy
    seed : int
        Of the bootstrap.
    """
    if len(study.past) < FEWEST:
        return None
    found = whale_curve(study.past["value_amount"], currency=study.currency, seed=seed)
    told = found.estimates
    losing, months = told["losing_share"], _months(study.months)
    estimates = {
        "loss_making_share": losing,
        "loss_making_amount": told["losing_amount"],
        "top_10_value_share": told["top_10_share"],
        "top_20_value_share": told["top_20_share"],
    }
    top = told["top_10_share"]
    best = (
        f"The best tenth brought {top.text} of the value"
        if math.isfinite(top.value)
        else "All together brought nothing"
    )
    if not study.has_costs:
        estimates = {name: value for name, value in estimates.items() if name.startswith("top")}
    said = f"{losing.text} of customers cost more than they brought, together {told['losing_amount'].text}."
    unknown = "Who costs money cannot be told: what service costs is not known here."
    return Evidence(
        found.frame,
        title=(
            f"{share_text(losing.value)} of customers cost more than they bring"
            if study.has_costs
            else f"The best tenth brings {share_text(top.value)} of what is known"
        ),
        about=f"Value of the last {months} added up, {len(study.past):,} customers; band: bootstrap, 95 %",
        reading=f"{best}. {said if study.has_costs else unknown}",
        estimates=estimates,
    )


def expected(study: ValueStudy) -> Evidence | None:
    """Show the expected value of all customers by tenths; None without a forecast or with under ten customers.

    Parameters
    ----------
    study : ValueStudy
    """
    if study.expected is None or study.margin_year is None or len(study.expected.frame) < FEWEST:
        return None
    value = study.expected
    total, risk, margin = value.total(), value.at_risk(), study.margin_year.total()
    frame = value.group_values(_tenths(value.frame["value_amount"].to_numpy()))
    frame = frame.rename(columns={"group": "tenth"})
    share = risk.value / total.value if total.value > 0 else math.nan
    p = float(value.frame["p_leave"].mean())
    ahead = _months(value.horizon_months)
    lost = (
        f"Leaving is expected to cost {risk.text}, {share_text(share)} of the value; {share_text(p)} of customers are"
        " expected to leave."
        if math.isfinite(share)
        else f"Leaving is expected to cost {risk.text}; {share_text(p)} of customers are expected to leave."
    )
    return Evidence(
        frame,
        title=f"All customers are worth {amount_text(total.value, total.unit)} over {_months(value.horizon_months)}",
        about=f"Expected value, discounted {100 * value.discount_rate:.0f} % a year, 95 % limits",
        reading=" ".join([f"Expected over the next {ahead}: {total.text}.", lost]),
        estimates={"value_total": total, "value_at_risk": risk, "margin_12m": margin},
    )


def how_sure(told: OutOfTime | None, study: ValueStudy) -> Evidence | None:
    """Show a forecast from an earlier day against what came; None where there is none.

    Parameters
    ----------
    told : OutOfTime or None
    study : ValueStudy
    """
    if told is None or told.judgement.n < 2 * FEWEST:
        return None
    judged = told.judgement
    mae, last = judged.of("mae"), judged.of("mae", "rival")
    gain, top = judged.of("mae", "difference"), judged.of("top_found")
    off = int(told.calibration["is_off"].sum())
    estimates = {
        "mae_forecast": mae,
        "mae_last_year": last,
        "mae_difference": gain,
        "rank_forecast": judged.of("rank"),
        "rank_difference": judged.of("rank", "difference"),
        "top_found": top,
        "top_found_difference": judged.of("top_found", "difference"),
        "within_limits_share": Estimate(told.covered_share, "share", n=judged.n),
    }
    better = gain.high is not None and gain.high < 0
    worse = gain.low is not None and gain.low > 0
    verdict = "beats" if better else "loses to" if worse else "is no surer than"
    held = int(((told.covered["outcome_mean_amount"] >= told.covered["mean_low_amount"])
                & (told.covered["outcome_mean_amount"] <= told.covered["mean_high_amount"])).sum())  # fmt: skip
    again = "last year again" if told.months == 12 else f"the last {told.months} months again"
    return Evidence(
        told.calibration,
        title=f"The forecast {verdict} {again}",
        about=(
            f"Forecast made on {told.as_of:%d %B %Y} for {told.months} months against what came; groups of equal size, "
            f"n = {judged.n:,}; 95 %"
        ),
        reading=" ".join(
            [
                f"The forecast of {told.as_of:%B %Y} missed by {mae.text} a customer, {again} by {last.short}: "
                f"{_less(gain)}.",
                f"It found {top.short} of the true top tenth.",
                f"In {held} of {len(told.covered)} groups the outcome lies within the limits of the forecast; {off} "
                "lie off the line by more than the chance of customers, which leaves good and bad months aside.",
                f"{share_text(told.covered_share)} of outcomes lay within a customer's own 80 % limits.",
            ]
        ),
        estimates=estimates,
    )


def by_group(study: ValueStudy, groups: pd.Series, *, what: str = "tier", seed: int = 1) -> Evidence | None:
    """Show past and expected value by groups of customers, such as tiers; None where under ten are there.

    Parameters
    ----------
    study : ValueStudy
    groups : Series
        Group of each customer, indexed by ``customer_id``; an ordered categorical keeps its order.
    what : str
        What a group is called.
    seed : int
        Of the bootstrap.
    """
    if len(study.past) < FEWEST:
        return None
    past = value_by_group(study.past["value_amount"], groups, seed=seed)
    past = past[past["customers_count"] >= FEWEST].sort_values("mean_amount", ascending=False, kind="stable")
    if not len(past):
        return None
    rows = [past.assign(when=f"Last {_months(study.months)}")]
    if study.expected is not None:
        named = groups.reindex(study.expected.frame.index)
        named = named.astype("str").where(named.notna(), "not known")
        ahead = study.expected.group_values(named)
        ahead = ahead.set_index("group").reindex(past["group"]).reset_index()
        rows.append(ahead.assign(when=f"Next {study.expected.horizon_months} months, expected"))
    frame = pd.concat(rows, ignore_index=True)
    best = past.sort_values("mean_amount", ascending=False).iloc[0]
    share = f" and {share_text(best['value_share'])} of the value" if np.isfinite(best["value_share"]) else ""
    worst = past.sort_values("losing_share", ascending=False).iloc[0]
    losing = f"In {worst['group']}, {share_text(worst['losing_share'])} cost more than they bring."
    losing = losing if study.has_costs else ""
    money = study.currency
    return Evidence(
        frame,
        title=f"{str(best['group']).capitalize()} brings most a customer: {amount_text(best['mean_amount'], money)}",
        about=f"Mean value a customer by {what}, {money}; bootstrap for the past, 95 % limits of the forecast",
        reading=" ".join(
            [
                f"{str(best['group']).capitalize()} holds {share_text(best['customers_share'])} of customers{share}.",
                *([losing] if losing else []),
                "What groups differ by goes with value; it need not cause it.",
            ]
        ),
    )


def assumptions(study: ValueStudy) -> Evidence | None:
    """Show how the expected value moves with what was assumed; None without a forecast.

    Parameters
    ----------
    study : ValueStudy
    """
    if study.expected is None or len(study.expected.frame) < FEWEST:
        return None
    frame = move_assumptions(study.expected)
    widest = frame.iloc[0]
    money = study.currency
    second = frame.iloc[1]
    return Evidence(
        frame,
        title=f"{widest['assumption']} moves the value most: agree on it first",
        about=f"Expected value of all customers with one assumption moved; base: {frame.attrs['base']}",
        reading=" ".join(
            [
                f"{widest['assumption']} of {widest['low_text']} or {widest['high_text']} gives "
                f"{amount_text(widest['low_amount'], money)} or {amount_text(widest['high_amount'], money)}; then "
                f"comes {second['assumption'].lower()}, {amount_text(second['low_amount'], money)} to "
                f"{amount_text(second['high_amount'], money)}.",
                "These are settings, not chances.",
            ]
        ),
    )


def _tenths(values: np.ndarray) -> np.ndarray:
    groups = max(1, min(10, len(values) // FEWEST))
    tenth = np.empty(len(values), dtype=int)
    for number, part in enumerate(np.array_split(np.argsort(values, kind="stable"), groups), start=1):
        tenth[part] = number
    return tenth


def _months(count: int) -> str:
    return f"{count:d} month{'' if count == 1 else 's'}"


def _less(gain: Estimate) -> str:
    is_less = gain.value < 0
    flipped = Estimate(abs(gain.value), gain.unit, n=None)
    if gain.low is None or gain.high is None:
        return f"{flipped.short} less" if is_less else f"{flipped.short} more"
    ends = sorted((abs(gain.low), abs(gain.high))) if gain.low * gain.high > 0 else None
    if ends is None:
        return f"{flipped.short} {'less' if is_less else 'more'}, which may be chance"
    sure = Estimate(abs(gain.value), gain.unit, low=ends[0], high=ends[1])
    return f"{sure.text} less" if is_less else f"{sure.text} more"
