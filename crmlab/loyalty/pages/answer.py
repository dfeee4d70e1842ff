"""The answer about loyalty in sentences: how loyal, what the programme earns and owes, what to do."""

from __future__ import annotations

import math

from crmlab.loyalty.care.list import CareList
from crmlab.loyalty.pages.programme import Programme
from crmlab.loyalty.pages.standing import Standing
from crmlab.loyalty.pages.standing_evidence import DOES, SAYS
from crmlab.stats import Evidence, amount_text, count_text, share_text

__all__ = ["LABELS", "headline", "programme_says", "to_do"]

LABELS = {
    "attitude_index": "Attitude (what customers say)", "behaviour_index": "Behaviour (what customers do)",
    "true_share": "Truly loyal", "latent_share": "Latently loyal", "spurious_share": "Spuriously loyal",
    "none_share": "Not loyal", "path_satisfaction": "Satisfaction to loyalty",
    "odds_attitude": "Odds of leaving, attitude 10 points higher",
    "odds_attitude_given": "The same, satisfaction held",
    "odds_behaviour": "Odds of leaving, behaviour 10 points higher",
    "retention_effect": "Staying, asked by lot less held out", "members_count": "Members",
    "earned_count": "Points earned, 12 months", "redeemed_count": "Points redeemed, 12 months",
    "lapsed_count": "Points lapsed, 12 months", "outstanding_count": "Points outstanding",
    "redemption_rate": "Ultimate redemption of new points", "outstanding_rate": "The same, of points outstanding",
    "liability": "Liability for points", "liability_change": "Its change in 12 months",
    "naive_spending_ratio": "Card spending, members over others, as it looks",
    "spending_ratio": "Card spending, joined over like customers",
    "placebo_ratio": "The same before joining (must be 1)",
    "leaving_ratio": "Closing, members over like customers",
    "margin_of_membership": "Growth of the margin, joined less like customers",
    "rewards": "Rewards redeemed, 12 months",
    "break_even": "Margin a member must bring a year", "net_result": "Net result of the programme, 12 months",
    "return_share": "Net result over cost", "invitation_effect": "Joining, invited by lot less held out",
    "care_events_count": "Events that call for contact", "care_count": "Customers to contact",
    "care_held_out_count": "Held out by lot", "left_true_share": "Left within a year: true",
    "left_latent_share": "Left within a year: latent", "left_spurious_share": "Left within a year: spurious",
    "left_none_share": "Left within a year: none",
}  # fmt: skip


def headline(standing: Standing, cells: Evidence | None) -> str:
    """Say how loyal customers are, and what is not known."""
    parts = []
    if cells is not None:
        one = cells["true_share"]
        parts.append(f"{one.short} of customers are truly loyal ({one.interval}), {cells['spurious_share'].short} bank "
                     f"here without meaning it, {cells['latent_share'].short} mean it without doing so.")  # fmt: skip
    for name, one in ((SAYS, standing.attitude), (DOES, standing.behaviour_mean)):
        if one is not None:
            parts.append(
                f"Loyalty by {name} is {one.value:.1f} of 100 ({one.low:.1f} to {one.high:.1f})."
                if one.low is not None
                else f"Loyalty by {name} is {one.value:.1f} of 100."
            )
    said = " ".join(parts) if parts else "How loyal customers are cannot be said from this bank's data."
    if standing.attitude is None and parts:
        said += " What customers think was not asked, so who stays without meaning it is not known."
    if standing.behaviour_mean is None and standing.attitude is not None:
        said += " What customers do is not known here."
    return said


def programme_says(programme: Programme | None, why: str, account: Evidence | None) -> str:
    """Say what the programme earns and owes."""
    if programme is None:
        return f"What a programme earns is not answered: {why}."
    owed, year = programme.owed.amount, programme.year
    if not math.isfinite(owed.value):
        count = count_text(programme.owed.outstanding_count)
        return f"{count} points are outstanding; none was redeemed yet, so what they will cost is not known."
    said = f"The programme owes {owed.short} ({owed.interval})" if owed.interval else f"The programme owes {owed.short}"
    if year.net is None:
        lacking = str(programme.why.get("margin") or programme.why.get("effects")).rstrip(".")
        cost = amount_text(year.break_even_amount, owed.unit)
        return f"{said}; it costs {cost} a member a year, and what it brings cannot be told yet: {lacking}."
    net = year.net
    verdict = (
        "it earns" if net.low > 0 else "it costs more than it brings" if net.high < 0 else "whether it pays is open"
    )
    return (f"{said}; over 12 months {verdict}: net {net.short} ({net.interval}), at a cost of "
            f"{amount_text(year.break_even_amount, owed.unit)} a member. The margin is compared with customers like "
            "members, not drawn by lot.")  # fmt: skip


def to_do(standing: Standing, programme: Programme | None, care: CareList, cells: Evidence | None) -> str:
    """Say what to do next."""
    held = int(care.actions["is_holdout"].astype(bool).sum()) if len(care.actions) else 0
    parts = []
    if len(care.actions):
        parts.append(
            f"Contact the {count_text(len(care.actions) - held)} customers of the care list, complaints and maturing "
            f"deposits first, and leave the {count_text(held)} held out alone"
        )
    elif len(care.suppressed):
        count = count_text(care.suppressed["customers_count"].sum())
        parts.append(
            f"{count} customers have a reason for a contact and none may be addressed now, see why in the table; where "
            "consent is not on file, ask for it"
        )
    if programme is not None and (programme.invitation is None or not programme.invitation.is_strong):
        parts.append("draw by lot who is offered membership with a stronger offer, for only that shows what it earns")
    if cells is not None and cells["latent_share"].value > cells["spurious_share"].value:
        parts.append(
            f"ask the latently loyal ({share_text(cells['latent_share'].value)}) what keeps them from doing more"
        )
    elif cells is not None:
        share = share_text(cells["spurious_share"].value)
        parts.append(f"mend what the spuriously loyal ({share}) dislike before a rival makes moving easy")
    said = "; ".join(parts) if parts else "nothing calls for a contact today"
    return said[:1].upper() + said[1:] + "."
