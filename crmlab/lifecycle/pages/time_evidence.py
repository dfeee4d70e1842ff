"""What comes: forecast of the stages, how long relations last and how they end, cohorts of joiners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import CrmlabError
from crmlab.lifecycle.chain.forecast import forecast_shares, judge_forecast
from crmlab.lifecycle.cohorts.triangle import cohort_triangle, complete_triangle, weighted_retention
from crmlab.lifecycle.pages.lifecycle import Lifecycle, said, sentences
from crmlab.lifecycle.survival.curves import cumulative_incidence, steps_at
from crmlab.lifecycle.survival.hazard import held_out, person_months
from crmlab.lifecycle.survival.lifetimes import CAUSES, lifetimes
from crmlab.stats import Estimate, Evidence, auc, calibration_line, count_text, proportion, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["cohorts", "drivers_table", "forecast", "forecast_table", "hazard", "how_long", "how_they_ended"]

_FEWEST_ENDS = 10
_FEWEST_AT_RISK = 30
_LONGEST_YEARS = 10
_STEPS = 12
_CAUSE_WORDS = {"closing": "closing of accounts"}
_DRIVER_WORDS = {"log_tenure": "time since joining", "log_months_in_stage": "months in the stage",
                 "has_assets": "holds assets", "log_assets": "assets against the median"}  # fmt: skip


def forecast(life: Lifecycle) -> Evidence | None:
    """Where today's customers will stand in 12 months, and how good such forecasts were."""
    if life.why or life.chain is None:
        return None
    found = life.resampled
    if not (
        life.moves["to"] == "lost"
    ).any():  # none lost in any resample: the law of rows says what may hide behind it
        found = replace(found, share_draws=life.chain.draws(len(found.share_draws), seed=life.seed))
    frame = forecast_shares(found, life.customers, steps=_STEPS)
    frame = frame.assign(stage=frame["stage"].map(said))
    lost = frame[frame["stage"] == "lost"].iloc[0]
    loss = Estimate(float(lost["share"]), "share", float(lost["share_low"]), float(lost["share_high"]), life.n,
                    "bootstrap of customers")  # fmt: skip
    estimates = {"lost_next_year_share": loss}
    judged = _judged(life)
    told = "It could not be tried on the past yet: that takes more than a year of months on which the rules see all."
    if judged is not None:
        row, steps = judged
        estimates |= {
            "forecast_error_share": Estimate(row["error"], "share", n=int(row["n"])),
            "no_change_error_share": Estimate(row["no_change_error"], "share", n=int(row["n"])),
            "forecast_gain_share": Estimate(row["gain"], "share", row["gain_low"], row["gain_high"], int(row["n"]),
                                            "bootstrap of customers, paired"),
        }  # fmt: skip
        better = "better than" if row["gain_low"] > 0 else "worse than" if row["gain_high"] < 0 else "no better than"
        told = (
            f"Tried on the past ({pd.Timestamp(row['as_of']).date()}, {steps} months ahead), it put"
            f" {share_text(row['error'])} of the customers in a wrong stage, no change"
            f" {share_text(row['no_change_error'])}:"
            f" {better} no change (difference {100 * row['gain']:.1f} points, {100 * row['gain_low']:.1f} to"
            f" {100 * row['gain_high']:.1f})."
        )
    return Evidence(
        frame,
        title=f"In a year {loss.short} of today's customers will be lost, if nothing changes",
        about="",
        reading=sentences(
            f"If customers go on moving as in the last year, {loss.text} of today's customers will be lost in 12"
            " months.",
            told,
        ),
        estimates=estimates,
    )


def _judged(life: Lifecycle) -> tuple[pd.Series, int] | None:
    """Newest origin that has a past and an outcome: a year ahead, or half a year."""
    for steps in (12, 6):
        rows = judge_forecast(life.stages, steps=steps, fit_months=12, seed=life.seed)
        if len(rows) and rows.iloc[0]["n"] >= _FEWEST_AT_RISK:
            return rows.iloc[0], steps
    return None


def forecast_table(shown: Evidence) -> pd.DataFrame:
    """Today's shares beside those in 12 months, for a table."""
    frame = shown.frame
    return frame[["stage", "now_share", "share", "share_low", "share_high"]].rename(
        columns={"share": "in_12_months_share", "share_low": "in_12_months_share_low",
                 "share_high": "in_12_months_share_high"}
    )  # fmt: skip


def how_they_ended(life: Lifecycle, bank: Bank) -> Evidence | None:
    """Causes of the ends of the last year, silent leaving told from closing."""
    seen = lifetimes(bank, life.stages) if not life.why else pd.DataFrame({"cause": [], "exit_months": []})
    since = life.day - pd.DateOffset(years=1)
    if not len(seen):
        return None
    at = seen["joined_on"] + pd.to_timedelta(seen["exit_months"] * 365.25 / 12, unit="D")
    ended = seen[seen["cause"].notna() & (at > since)]
    if len(ended) < _FEWEST_ENDS:
        return None
    counts = ended["cause"].value_counts().reindex(CAUSES).fillna(0).astype(int)
    counts = counts[counts > 0]
    shares = {name: proportion(int(number), len(ended)) for name, number in counts.items()}
    frame = pd.DataFrame(
        {
            "cause": [_CAUSE_WORDS.get(name, name) for name in counts.index],
            "share": [shares[name].value for name in counts.index],
            "share_low": [shares[name].low for name in counts.index],
            "share_high": [shares[name].high for name in counts.index],
            "customers_count": counts.to_numpy(),
        }
    )
    estimates = {
        f"{name.replace(' ', '_')}_share": shares[name] for name in ("closing", "silent leaving") if name in shares
    }
    parts = [f"{_CAUSE_WORDS.get(name, name)} {shares[name].short}" for name in counts.index]
    return Evidence(
        frame,
        title="",
        about="",
        reading=sentences(
            f"Of {len(ended):,} customers who left in the last year, by what ended it first: {', '.join(parts)}.",
            "Silent leaving is told by dormancy: such customers still stand in the books.",
        ),
        estimates=estimates,
    )


def how_long(life: Lifecycle, bank: Bank) -> Evidence | None:
    """Share that ended by each cause over the years since joining, with the number at risk."""
    seen = lifetimes(bank, life.stages) if not life.why else pd.DataFrame()
    if not len(seen) or seen["cause"].notna().sum() < _FEWEST_ENDS:
        return None
    present = tuple(name for name in CAUSES if (seen["cause"] == name).sum() >= _FEWEST_ENDS)
    if not present:
        return None
    curve = cumulative_incidence(seen["entry_months"], seen["exit_months"], seen["cause"], causes=present)
    grid = np.arange(0, 12 * _LONGEST_YEARS + 1, 2, dtype=float)
    at_risk = np.array([((seen["entry_months"] < t) & (seen["exit_months"] >= t)).sum() for t in grid])
    at_risk[0] = (seen["entry_months"] <= 0).sum()
    enough = np.logical_and.accumulate(at_risk >= _FEWEST_AT_RISK)
    if enough.sum() < 3:
        return None
    grid, at_risk = grid[enough], at_risk[enough]
    frame = steps_at(curve, grid, by="cause")
    frame = frame.assign(
        at_risk_count=np.tile(at_risk, len(present)), time=frame["time"] / 12,
        is_mark=np.isin(np.tile(grid, len(present)), [t for t in grid if t % (24 if grid[-1] > 60 else 12) == 0]),
    )  # fmt: skip
    last = frame[frame["time"] == frame["time"].max()].set_index("cause")
    years = float(frame["time"].max())
    span = f"{years:.3g} year{'' if years == 1 else 's'}"
    gone, naive = float(last["share"].sum()), float(last["naive_share"].sum())
    top = last["share"].idxmax()
    top_words = _CAUSE_WORDS.get(top, top)
    frame["cause"] = frame["cause"].replace(_CAUSE_WORDS)
    told = Estimate(float(last.loc[top, "share"]), "share", float(last.loc[top, "share_low"]),
                    float(last.loc[top, "share_high"]), len(seen), "Aalen-Johansen")  # fmt: skip
    return Evidence(
        frame,
        title=f"{share_text(gone)} have left after {span}, most by {top_words}",
        about=f"Share of joiners by what ended it; {count_text(len(seen))} customers seen since"
        f" {life.stages['as_of'].min().date()}; Aalen-Johansen 95 % interval",
        reading=sentences(
            f"{span} after joining {share_text(gone)} have left, {told.text} by {top_words}.",
            "Taking the other causes for mere gaps (1 less Kaplan-Meier by cause) would add up to"
            f" {share_text(naive)}.",
            "Customers who were there before the first month count only from then on.",
        ),
        estimates={"ended_share": Estimate(gone, "share", n=len(seen)), "top_cause_share": told},
    )  # fmt: skip


def hazard(life: Lifecycle, bank: Bank) -> Evidence | None:
    """Monthly chance to be lost by what changes from month to month, learned early and judged late."""
    if life.why or life.all_moves["as_of"].nunique() < 6:
        return None
    people = bank.frame("customers", ["customer_id", "joined_on"]).set_index("customer_id")["joined_on"]
    rows = person_months(life.stages, life.all_moves, pd.to_datetime(people))
    drivers = [name for name in rows if name not in ("customer_id", "as_of", "happened") and rows[name].nunique() > 1]
    late = min(12, rows["as_of"].nunique() // 2)
    try:
        model, judged = held_out(rows, drivers, last_months=late)
    except CrmlabError:
        return None
    if not _FEWEST_ENDS <= judged["happened"].sum() < len(judged):
        return None
    rank = auc(judged["happened"], judged["p_lost"])
    line = calibration_line(judged["happened"], judged["p_lost"], customers=judged["customer_id"])
    effects = model.effects_[model.effects_["driver"] != "intercept"]
    frame = effects.assign(driver=effects["driver"].map(_driver))
    strong = frame[(frame["factor_low"] > 1) | (frame["factor_high"] < 1)]
    strong = strong.iloc[np.argsort(-np.abs(strong["effect"].to_numpy()))]
    top = ""
    if len(strong):
        one = strong.iloc[0]
        top = (
            f"The strongest: {one['driver']}, {one['factor']:.1f} times ({one['factor_low']:.1f} to"
            f" {one['factor_high']:.1f})."
        )
    expected, came = float(judged["p_lost"].sum()), int(judged["happened"].sum())
    return Evidence(
        frame.reset_index(drop=True),
        title="",
        about="",
        reading=sentences(
            f"Learned from the months before and held against the last {late}: {expected:,.0f} losses were"
            f" expected and {came:,} came; slope of the probabilities {line.slope.short}"
            f" ({line.slope.interval}; 1 is right), AUC {rank.value:.2f} ({rank.low:.2f} to {rank.high:.2f}).",
            top,
        ),
        estimates={"hazard_auc": Estimate(rank.value, "", rank.low, rank.high, rank.n, rank.method),
                   "hazard_slope": line.slope},
    )  # fmt: skip


def _driver(name: str) -> str:
    if name in _DRIVER_WORDS:
        return _DRIVER_WORDS[name]
    return f"in {said(name.removeprefix('is_'))}, against maturity"


def drivers_table(shown: Evidence) -> pd.DataFrame:
    """Factor of each driver on the monthly chance, for a table."""
    frame = shown.frame
    return pd.DataFrame(
        {
            "driver": frame["driver"],
            "times": frame["factor"].map("{:.2f}".format),
            "95 % interval": [
                f"{a:.2f} to {b:.2f}" for a, b in zip(frame["factor_low"], frame["factor_high"], strict=True)
            ],
        }
    )


def cohorts(life: Lifecycle, bank: Bank) -> Evidence | None:
    """Cohorts of joiners by age, the young ones completed."""
    if life.why or "left_on" not in bank.columns("customers"):
        return None
    people = bank.frame("customers", ["customer_id", "joined_on", "left_on"]).set_index("customer_id")
    first = pd.Timestamp(life.whole["as_of"].min()) + pd.Timedelta(days=1)
    triangle = cohort_triangle(people["joined_on"], people["left_on"], first=first, last=life.day)
    if not len(triangle) or triangle["age"].max() < 1:
        return None
    sizes = triangle.drop_duplicates("cohort").set_index("cohort")["customers_count"]
    triangle = triangle[triangle["cohort"].map(sizes) >= _FEWEST_ENDS]
    if not len(triangle) or triangle["age"].max() < 1:
        return None
    full = complete_triangle(triangle, seed=life.seed)
    pooled = weighted_retention(triangle).set_index("age")
    frame = full.assign(cohort=[f"{day.year} Q{(day.month + 2) // 3}" for day in full["cohort"]])
    estimates, told = {}, ""
    if 4 in pooled.index:
        row = pooled.loc[4]
        kept = Estimate(float(row["share"]), "share", float(row["share_low"]), float(row["share_high"]),
                        int(pooled.loc[0, "at_risk_count"]), "Greenwood")  # fmt: skip
        estimates["kept_year_share"] = kept
        told = f"A year after joining {kept.text} are still there, all cohorts pooled by their size."
    worst = pooled[pooled.index >= 1]["retention_share"].idxmin()
    drop = 1 - pooled.loc[worst, "retention_share"]
    return Evidence(
        frame,
        title=f"Joiners are lost most between month {3 * (worst - 1)} and {3 * worst}: {share_text(drop)} of them",
        about=f"Share still there by quarter since joining, {count_text(int(sizes.sum()))} joiners; in brackets: "
        "forecast, 95 % interval at the edge",
        reading=sentences(
            told,
            f"Most are lost from month {3 * (worst - 1)} to {3 * worst}: {share_text(drop)}.",
            "Young cohorts are completed by what older ones did at that age (chain ladder).",
        ),
        estimates=estimates,
    )
