"""Defects of what the bank asks and tries: a hold-out that was contacted, a survey wave on another scale."""

from __future__ import annotations

from crmlab.errors import refuse
from crmlab.simulation.defects.files import Planting

__all__ = ["plant_imbalance", "plant_scale"]


def plant_imbalance(bank: Planting) -> list[dict]:
    """Turn the older half of the hold-out of the largest randomised campaign into treated customers.

    As when a branch calls its regulars although they were to be left alone. What a contact costs is what the others
    of the campaign cost.
    """
    found = []
    if bank.files("contacts") and bank.files("campaigns"):
        found = bank.rows(
            "select campaign_id, count(*) as n from {table} where campaign_id in (select campaign_id from "
            + bank.reader("campaigns")
            + " where is_randomised and holdout_share between 0.15 and 0.85)"
            " group by 1 having count(*) filter (arm = 'holdout') >= 4 order by n desc, 1",
            "contacts",
        )
    if not found:
        refuse("plant imbalance: this bank has no randomised campaign with a hold-out. Simulate more months.")
    campaign = found[0][0]
    held = bank.rows(
        "select contact_id from {table} join "
        + bank.reader("customers")
        + f" using (customer_id) where campaign_id = '{campaign}' and arm = 'holdout' order by birth_on, contact_id",
        "contacts",
    )
    treated = [name for (name,) in held[: len(held) // 2]]
    cost = bank.rows(
        f"select median(cost_amount) from {{table}} where campaign_id = '{campaign}' and arm = 'treatment'", "contacts"
    )[0][0]
    bank.register("treated", contact_id=treated)
    now = "contact_id in (from treated)"
    price = "cost_amount" if cost is None else f"case when {now} then {cost} else cost_amount end::decimal(18, 2)"
    arm = f"case when {now} then 'treatment' else arm end"
    bank.rewrite("contacts", f"select * replace ({arm} as arm, {price} as cost_amount) from {{file}}")
    return [{"table": "contacts", "column": "arm", "campaign": campaign, "rows": len(treated), "held": len(held)}]


def plant_scale(bank: Planting) -> list[dict]:
    """Add one to every answer of the last yearly wave, as a form that counts its boxes from 1 to 11 would."""
    waves = []
    if bank.files("surveys"):
        waves = bank.rows(
            "select wave, count(score) from {table} where wave like 'yearly%' group by 1 order by 1 desc", "surveys"
        )
    if not waves:
        refuse("plant scale: this bank has no yearly wave of its survey. Simulate more months.")
    wave, count = waves[0]
    score = f"case when wave = '{wave}' then score + 1 else score end::double"
    bank.rewrite("surveys", f"select * replace ({score} as score) from {{file}}")
    return [{"table": "surveys", "column": "score", "wave": wave, "rows": count}]
