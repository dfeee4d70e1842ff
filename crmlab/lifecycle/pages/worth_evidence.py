"""What a customer of each stage is worth, which moves pay most, and what policies would gain."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.lifecycle.chain.absorbing import stage_value
from crmlab.lifecycle.chain.worth import Policy, compare_policies, value_by_stage, worth_of_points
from crmlab.lifecycle.pages.lifecycle import Lifecycle, said, sentences
from crmlab.stats import Estimate, Evidence, amount_text, count_text, percentile_limits

__all__ = ["MOVES", "VALUES", "best_moves", "policies", "policy_table", "stage_values", "values_table"]

VALUES = {"label": "stage", "value": "value_amount", "low": "value_low_amount", "high": "value_high_amount",
          "quantity": "Value of a customer"}  # fmt: skip
MOVES = {"label": "move", "value": "gain_amount", "low": "gain_low_amount", "high": "gain_high_amount",
         "quantity": "Value gained by a tenth"}  # fmt: skip
_FEWEST_STEPS = 30  # customer-months in a stage, for its value to be shown
_METHOD = "bootstrap of customers, 400 resamples"
_TENTH = 0.10
_MORE, _FEWER = "a tenth more", "a tenth fewer"


def stage_values(life: Lifecycle) -> Evidence | None:
    """Value of a customer of each stage, with interval; and the mean margin of the next 12 months."""
    found = life.resampled
    if life.why or life.no_value or found is None:
        return None
    table = value_by_stage(found, discount=life.discount, steps=_last(life))
    endless = value_by_stage(found, discount=life.discount)
    table = table.merge(endless[["stage", "value_amount"]].rename(columns={"value_amount": "endless_amount"}))
    table = table[(table["n"] >= _FEWEST_STEPS) & np.isfinite(table["value_amount"])].reset_index(drop=True)
    if not len(table):
        return None
    estimates = {
        f"value_{row.stage}": Estimate(float(row.value_amount), life.currency, float(row.value_low_amount),
                                       float(row.value_high_amount), int(row.n), _METHOD)
        for row in table.itertuples()
    }  # fmt: skip
    estimates["margin_next_year"] = _next_year(life)
    best, worst = table.loc[table["value_amount"].idxmax()], table.loc[table["value_amount"].idxmin()]
    year = estimates["margin_next_year"]
    lowest = f", one in {said(worst['stage'])} {estimates['value_' + worst['stage']].short}" if len(table) > 1 else ""
    frame = table.assign(stage=table["stage"].map(said))
    amount = amount_text(best["value_amount"], life.currency)
    return Evidence(
        frame,
        title=f"A customer in {said(best['stage'])} is worth {amount} over {life.steps // 12:d} years"
        if life.steps
        else f"A customer in {said(best['stage'])} is worth {amount} until they leave",
        about=f"Margin and fees {life.span}, discounted, the first now; {life.currency}; bootstrap of customers 95 %",
        reading=sentences(
            f"{life.span.capitalize()}, a customer in {said(best['stage'])} is worth"
            f" {estimates['value_' + best['stage']].short} ({estimates['value_' + best['stage']].interval}){lowest}.",
            f"The average customer of today is expected to yield {year.short} ({year.interval}) in the next 12 months,"
            " if margins and habits stay.",
        ),
        estimates=estimates,
    )  # fmt: skip


def _last(life: Lifecycle) -> int | None:
    """Steps after the first payment, so that the months counted are those of the horizon."""
    return life.steps - 1 if life.steps else None


def _next_year(life: Lifecycle) -> Estimate:
    """Mean margin of the next 12 month-ends over today's customers."""
    found = life.resampled
    weights = np.array([life.customers.get(stage, 0) for stage in found.states], dtype=float)
    weights = weights / max(weights.sum(), 1)
    terms = {"discount": 0.0, "steps": 12, "pays_first": False}
    known = weights > 0
    point = float(stage_value(found.shares, found.rewards, **terms)[known] @ weights[known])
    draws = stage_value(found.share_draws, found.reward_draws, **terms)[:, known] @ weights[known]
    low, high = (float(side) for side in percentile_limits(draws))
    return Estimate(point, life.currency, min(low, point), max(high, point), life.n, _METHOD)


def values_table(life: Lifecycle, values: Evidence) -> pd.DataFrame:
    """Margin, time left and chance of loss by stage, for a table; customers of today as n."""
    frame = values.frame
    names = {said(stage): number for stage, number in life.customers.items()}
    months = frame["steps_left"].where(np.isfinite(frame["steps_left"]))
    return pd.DataFrame(
        {
            "stage": frame["stage"],
            "margin_year_amount": 12 * frame["margin_amount"],
            "value_amount": frame["value_amount"],
            "until_they_leave_amount": frame["endless_amount"].where(np.isfinite(frame["endless_amount"])),
            "expected_stay_years": months / 12,
            "lost_in_12_months_share": frame["lost_12_share"],
            "n": frame["stage"].map(names),
        }
    )


def best_moves(life: Lifecycle) -> Evidence | None:
    """Moves by what a tenth more, or a tenth fewer, of them would be worth over all customers of today."""
    found = life.resampled
    if life.why or life.no_value or found is None:
        return None
    table = worth_of_points(found, life.customers, discount=life.discount, tenth=_TENTH, steps=_last(life))
    table = table[np.isfinite(table["gain_amount"]) & (table["gain_amount"] > 0)].reset_index(drop=True)
    if not len(table):
        return None
    change = np.where(table["is_more"], _MORE, _FEWER)
    frame = table.assign(
        move=[f"{_move(a, b)}: {way}" for a, b, way in zip(table["from"], table["to"], change, strict=True)],
        is_clear=table["gain_low_amount"] > 0,
    )
    top = frame.iloc[0]
    name = _move(top["from"], top["to"])
    gain = _estimate(life, top, "gain")
    each = _estimate(life, top, "each")
    fading = frame[(frame["from"] == "decline") & frame["to"].isin(["growth", "maturity"])].head(1)
    estimates = {"best_move_gain": gain, "best_move_each": each}
    more = ""
    if len(fading):
        back = _estimate(life, fading.iloc[0], "each")
        estimates["recovery_each"] = back
        more = (
            f"Bringing one customer back from decline to {said(fading.iloc[0]['to'])} goes with {back.short}"
            f" ({back.interval}): that is the most to spend on it, success counted."
        )
    way = _MORE if top["is_more"] else _FEWER
    return Evidence(
        frame,
        title=f"What pays most: {way} {_doing(top['from'], top['to'])}, {gain.short}",
        about=f"Gain of all {count_text(life.n)} customers if a move changed by a tenth for good; {life.currency} "
        f"{life.span}; bootstrap 95 %",
        reading=sentences(
            f"{way.capitalize()} of the move {name!r} would be worth {gain.short} ({gain.interval}) {life.span}, over"
            f" all customers; one customer less or more who makes it, {each.short} ({each.interval}).",
            more,
            "This holds if those who are moved then behave like those who are there by themselves; only a trial shows"
            " whether a measure moves them.",
        ),
        estimates=estimates,
    )  # fmt: skip


def _move(start: str, end: str) -> str:
    return f"lost from {said(start)}" if end == "lost" else f"{said(start)} to {said(end)}"


def _doing(start: str, end: str) -> str:
    """The move as a deed.

    >>> _doing("maturity", "lost"), _doing("decline", "maturity")
    ('lost from maturity', 'moving from decline to maturity')
    """
    return _move(start, end) if end == "lost" else f"moving from {_move(start, end)}"


def _estimate(life: Lifecycle, row: pd.Series, name: str) -> Estimate:
    low, high = float(row[f"{name}_low_amount"]), float(row[f"{name}_high_amount"])
    return Estimate(float(row[f"{name}_amount"]), life.currency, low, high, life.resampled.customers, _METHOD)


def policies(life: Lifecycle) -> Evidence | None:
    """Compare three things the bank might do with going on as now."""
    found = life.resampled
    if life.why or life.no_value or found is None:
        return None
    seen = {stage: number for stage, number in zip(found.states, found.steps, strict=True) if number >= _FEWEST_STEPS}
    chosen = []
    if {"decline", "maturity"} <= set(seen):
        chosen.append(Policy("2 points more of decline to maturity", (("decline", "maturity", 0.02),)))
    if {"onboarding", "growth"} <= set(seen):
        chosen.append(Policy("2 points more of onboarding to growth", (("onboarding", "growth", 0.02),)))
    if {"dormant", "maturity"} <= set(seen):
        chosen.append(Policy("2 points more of dormant to maturity", (("dormant", "maturity", 0.02),)))
    if "dormant" in seen:
        chosen.append(Policy("give up the dormant", stops=("dormant",)))
    if not chosen:
        return None
    frame = compare_policies(found, chosen, life.customers, discount=life.discount, steps=_last(life))
    frame = frame[np.isfinite(frame["gain_amount"])]
    if not len(frame):
        return None
    top = frame.loc[frame["gain_amount"].idxmax()]
    stop = frame[frame["policy"] == "give up the dormant"]
    even = top["break_even_amount"]
    stopped = ""
    if len(stop):
        stopped = (
            "Giving up the dormant (closing them) loses"
            f" {amount_text(abs(stop.iloc[0]['gain_amount']), life.currency)}: keep them, at a low cost."
            if stop.iloc[0]["gain_amount"] < 0
            else f"Giving up the dormant gains {amount_text(stop.iloc[0]['gain_amount'], life.currency)}."
        )
    gain = Estimate(float(top["gain_amount"]), life.currency, float(top["gain_low_amount"]),
                    float(top["gain_high_amount"]), life.n, _METHOD)  # fmt: skip
    spent = ""
    if math.isfinite(even):
        spent = (
            f"It pays as long as it costs less than {amount_text(even, life.currency)} a month for each customer of"
            " the stage."
        )
    return Evidence(
        frame.reset_index(drop=True),
        title=f"{top['policy'].capitalize()} a month gains {gain.short}",
        about=f"{life.currency} {life.span} against going on as now, customers of today; bootstrap of customers 95 %",
        reading=sentences(
            f"Of the policies compared, {top['policy']!r} each month gains most: {gain.short} ({gain.interval})"
            f" {life.span}, before its cost.",
            spent,
            stopped,
        ),
        estimates={"policy_gain": gain},
    )


def policy_table(shown: Evidence) -> pd.DataFrame:
    """Policies with gain, interval and break-even, for a table."""
    return shown.frame[["policy", "gain_amount", "gain_low_amount", "gain_high_amount", "break_even_amount"]].rename(
        columns={"gain_low_amount": "gain_amount_low", "gain_high_amount": "gain_amount_high",
                 "break_even_amount": "may_cost_a_customer_and_month_amount"}
    )  # fmt: skip
