"""What to do at each stage: new customers by channel and their payback, action lists, a table of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.lifecycle.cohorts.payback import payback_by_channel
from crmlab.lifecycle.pages.lifecycle import Lifecycle, said, sentences
from crmlab.outreach.calling import call_list
from crmlab.outreach.policy import may_contact, suppressed
from crmlab.stats import Estimate, Evidence, amount_text, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["acquisition", "acquisition_table", "entering_decline", "stalled_onboarding", "what_to_do"]

_FEWEST = 10
_LIST_DAYS = 30


def acquisition(life: Lifecycle, bank: Bank, *, cost_amount: float) -> Evidence | None:
    """What new customers bring in the first year by channel, and when a cost of winning them is back."""
    known = bank.columns("customers")
    if life.why or life.no_value or "acquisition_channel" not in known:
        return None
    people = bank.frame("customers", ["customer_id", "joined_on", "acquisition_channel"]).set_index("customer_id")
    table = payback_by_channel(life.whole, people["joined_on"], people["acquisition_channel"], cost_amount=cost_amount,
                               seed=life.seed)  # fmt: skip
    table = table[table["n"] >= _FEWEST].reset_index(drop=True)
    if not len(table):
        return None
    best = table.loc[table["first_year_amount"].idxmax()]
    top = Estimate(float(best["first_year_amount"]), life.currency, float(best["first_year_low_amount"]),
                   float(best["first_year_high_amount"]), int(best["n"]), "bootstrap of customers")  # fmt: skip
    apart = table["first_year_low_amount"].max() > table["first_year_high_amount"].min()
    cost = amount_text(cost_amount, life.currency)
    slow = table["payback_months"].isna()
    fast = table.loc[~slow, "payback_months"]
    span = f"{fast.min():.0f}" if len(fast) and fast.min() == fast.max() else f"{fast.min():.0f} to {fast.max():.0f}"
    paid = (f"A cost of {cost} is back after {span} months" if len(fast)
            else f"A cost of {cost} has come back through no channel in the months seen")  # fmt: skip
    if slow.any() and len(fast):
        paid += ", or not yet"
    alike = "" if apart else "The intervals of the channels overlap: do not rank them by this."
    return Evidence(
        table,
        title="",
        about="",
        reading=sentences(
            f"New customers bring most through {best['channel']}: {top.text} in the first 12 months, those who left"
            " counted.",
            alike,
            f"{paid}.",
        ),
        estimates={"joiner_first_year": top},
    )


def acquisition_table(shown: Evidence) -> pd.DataFrame:
    """Channels with the margin of the first year and the payback, for a table."""
    frame = shown.frame
    return frame[["channel", "first_year_amount", "first_year_low_amount", "first_year_high_amount", "there_share",
                  "payback_months", "n"]].rename(
        columns={"first_year_low_amount": "first_year_amount_low", "first_year_high_amount": "first_year_amount_high",
                 "there_share": "there_after_a_year_share"}
    )  # fmt: skip


def entering_decline(
    life: Lifecycle, bank: Bank, values: Evidence | None, *, holdout_share: float
) -> tuple[pd.DataFrame | None, str]:
    """List who entered decline this month, those with most at stake first.

    Returns
    -------
    DataFrame or None
        As `crmlab.outreach.calling.call_list`, with ``margin_year_amount`` (own, last 12 months) and
        ``at_stake_amount`` where margins are known.
    str
        What became of the list, in a sentence.
    """
    fresh = life.now[(life.now["stage"] == "decline") & (life.now["stage_before"] != "decline")]
    if life.why or not len(fresh):
        return None, "Nobody entered decline this month."
    worth = _at_stake(life, fresh.index, values)
    order = worth["at_stake_amount"].fillna(0) if worth is not None else pd.Series(0.0, index=fresh.index)
    ranked = fresh.assign(order=order, name=fresh.index).sort_values(["order", "name"], ascending=[False, True])
    why = "entered decline this month: amounts far below the six months before, no regular money in"
    told = f"{len(ranked):,} customer{'' if len(ranked) == 1 else 's'} entered decline this month"
    return _listed(life, bank, ranked.index, why, worth, holdout_share, told)


def stalled_onboarding(life: Lifecycle, bank: Bank, *, holdout_share: float) -> tuple[pd.DataFrame | None, str]:
    """List new customers of three months or more in onboarding who have not acted for two months."""
    stalled = life.now[life.now["is_stalled"]]
    if life.why or not len(stalled):
        return None, "No onboarding has stalled."
    why = "onboarding stalled: new for three months or more, no act in the last two"
    told = f"{len(stalled):,} customer{'' if len(stalled) == 1 else 's'} stalled in onboarding"
    return _listed(life, bank, stalled.sort_index().index, why, None, holdout_share, told)


def _listed(life, bank, names, why, worth, holdout_share, what) -> tuple[pd.DataFrame | None, str]:
    """Take out whom the bank may not speak to, draw the hold-out, and say what became of it."""
    reasons = pd.Series(why, index=pd.Index(names, name="customer_id"), dtype="str")
    kept, out = suppressed(reasons, may_contact(bank))
    left_out = f"; {count_text(len(reasons) - len(kept))} may not be contacted now ({_most(out)})" if len(out) else ""
    told = f"{what}{left_out}."
    if not len(kept):
        return None, told
    known = [c for c in bank.columns("customers") if c == "preferred_channel" or (c.startswith("is_") and
             c.endswith("_allowed"))]  # fmt: skip
    seen = bank.frame("customers", ["customer_id", *known]).set_index("customer_id")
    found = call_list(
        kept, seen, day=str(life.day.date()), days=_LIST_DAYS, holdout_share=holdout_share, seed=life.seed
    )
    if worth is not None:
        found = found.join(worth.round(2))
    held = int(found["is_holdout"].sum())
    return found, sentences(
        told,
        f"The list names {len(found):,}, {held:,} held out by lot, so that the effect can be measured.",
    )


def _most(counts: pd.DataFrame) -> str:
    return f"most: {counts.iloc[0]['why_not']}"


def _at_stake(life: Lifecycle, names: pd.Index, values: Evidence | None) -> pd.DataFrame | None:
    """Own margin of the last 12 months, and what recovery would be worth at that margin."""
    if values is None:
        return None
    year = life.whole[
        (life.whole["as_of"] > life.day - pd.DateOffset(months=12)) & life.whole["customer_id"].isin(names)
    ]
    own = year.groupby("customer_id")["margin_amount"].mean().reindex(names) * 12
    by = values.frame.set_index("stage")
    if not {"decline", "maturity"} <= set(by.index) or not by.loc["maturity", "margin_amount"] > 0:
        return pd.DataFrame({"margin_year_amount": own, "at_stake_amount": np.nan})
    gap = (by.loc["maturity", "value_amount"] - by.loc["decline", "value_amount"]) / by.loc["maturity", "margin_amount"]
    return pd.DataFrame({"margin_year_amount": own, "at_stake_amount": own / 12 * gap})


def what_to_do(life: Lifecycle, moves: Evidence | None) -> pd.DataFrame:
    """Name the next step at each stage, with the customers of today and the most to spend on one success."""
    steps = {
        "onboarding": ("second product, first salary, first login", ("growth", "maturity")),
        "growth": ("next product within the risk class; keep the pace", ("maturity", "decline")),
        "maturity": ("yearly talk; watch amounts and regular money", ("decline", "lost")),
        "decline": ("call within the month; the list says whom", ("maturity", "lost")),
        "dormant": ("cheap reminder; close only with consent", ("maturity", "lost")),
        "won_back": ("second onboarding; ask why they left", ("growth", "lost")),
    }
    rows = []
    for stage, (step, ends) in steps.items():
        most = np.nan
        if moves is not None:
            mine = moves.frame[(moves.frame["from"] == stage) & moves.frame["to"].isin(ends)]
            most = float(mine["each_amount"].max()) if len(mine) else np.nan
        rows.append((said(stage), step, most, life.customers[stage]))
    columns = ["stage", "next_step", "worth_of_one_success_amount", "customers_count"]
    return pd.DataFrame(rows, columns=columns)
