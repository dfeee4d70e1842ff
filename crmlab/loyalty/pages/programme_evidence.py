"""Evidence on the points programme, finished for charts and tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loyalty.pages.programme import Programme
from crmlab.loyalty.programme.ledger import points_by_month
from crmlab.loyalty.programme.liability import sensitivity
from crmlab.loyalty.programme.likeness import e_value
from crmlab.loyalty.programme.redemption import redemption_triangle
from crmlab.stats import Estimate, Evidence, amount_text, count_text, percentile_limits, share_text

__all__ = ["AGES", "BALANCE", "EFFECTS", "MONTHS", "YEAR", "account", "balance", "effects", "no_effects",
           "owed_table", "points", "redeemed", "triangle_table"]  # fmt: skip

MONTHS = {"x": "month_on", "value": "points", "by": "what", "quantity": "Points in the month", "unit": "count"}
AGES = {"label": "age", "value": "share", "low": "low", "high": "high", "groups": "Age of a point, months",
        "quantity": "Will still be redeemed", "unit": "share"}  # fmt: skip
EFFECTS = {"label": "label", "value": "ratio", "low": "low", "high": "high", "by": "look", "baseline": 1.0,
           "from_zero": False, "quantity": "Members over others", "unit": "ratio"}  # fmt: skip
BALANCE = {"label": "fact", "value": "difference", "low": "low", "high": "high", "by": "when", "baseline": 0.0,
           "quantity": "Who joined less who did not", "unit": "standard deviations"}  # fmt: skip
YEAR = {"label": "item", "value": "amount", "low": "low", "high": "high", "baseline": 0.0, "quantity": "Last 12 months"}
_NAIVE, _ALIKE = "all members, as it looks", "beside customers like them"
_MOST_FACTS = 12


def points(programme: Programme) -> Evidence | None:
    """Follow points earned, redeemed and lapsed by month; None with one month only."""
    months = points_by_month(programme.ledger)
    last = months[months["month_on"] > programme.ledger.last_on - pd.DateOffset(months=12)]
    total = last.select_dtypes("number").sum()
    over, earned = programme.ledger.last_on, max(float(total["earned_count"]), 1.0)
    estimates = {
        "members_count": Estimate(float(len(programme.members_now)), "count"),
        "earned_count": Estimate(float(total["earned_count"]), "count"),
        "redeemed_count": Estimate(float(total["redeemed_count"]), "count"),
        "lapsed_count": Estimate(float(total["expired_count"] + total["forfeited_count"]), "count"),
        "outstanding_count": Estimate(float(months["outstanding_count"].iloc[-1]), "count"),
    }
    reading = (
        f"In the 12 months to {over.date()} members earned {count_text(total['earned_count'])} points, redeemed "
        f"{count_text(total['redeemed_count'])} and let {count_text(total['expired_count'])} expire; "
        f"{count_text(total['forfeited_count'])} were forfeited. "
        f"{count_text(last['active_members_count'].mean())} members were active in a month on average, of "
        f"{count_text(len(programme.members_now))}."
    )
    named = {"earned_count": "earned", "redeemed_count": "redeemed", "expired_count": "expired"}
    frame = months.melt("month_on", list(named), var_name="what", value_name="points")
    frame["what"] = frame["what"].map(named)
    if len(months) < 2:
        frame = frame.iloc[:0]
    return Evidence(
        frame,
        f"Of 100 points earned last year, {100 * total['redeemed_count'] / earned:.0f} were redeemed and "
        f"{100 * total['expired_count'] / earned:.0f} expired",
        f"Points by month; {count_text(programme.ledger.members_count)} members in all; a full count",
        reading,
        estimates,
    )


def redeemed(programme: Programme) -> Evidence:
    """Say how many points are redeemed in the end, by their age."""
    found = programme.redemption
    ages = found.ages[found.ages["at_risk_count"] > 0]
    low, high = percentile_limits(found.draws) if len(found.draws) else (np.full(len(found.ages), np.nan),) * 2
    frame = pd.DataFrame({
        "age": ages["age_months"].astype(str), "share": ages["ultimate_share"],
        "low": low[ages.index], "high": high[ages.index],
    })  # fmt: skip
    frame = frame[ages["age_months"] % 3 == 0].reset_index(drop=True)
    rate, left = found.rate, found.outstanding_rate
    reading = (
        f"Of newly earned points {rate.text} are redeemed in the end, so {share_text(1 - rate.value)} lapse. Of those "
        f"outstanding now it is {left.short} ({left.interval}), for they are older: who saves up long often never "
        f"redeems. Redeemed to date over given to date, the naive rate, is {share_text(found.to_date_share)} and would "
        f"miss the rate of points outstanding by {100 * abs(found.to_date_share - left.value):.0f} percentage points."
    )
    if not found.is_complete:
        reading += " The ledger is younger than the life of a point, so these rates are lower limits."
    return Evidence(
        frame,
        f"{share_text(rate.value)} of new points are redeemed, {share_text(left.value)} of those outstanding",
        f"Share that is still redeemed, by age; bootstrap of {count_text(rate.n)} members, 95 % interval",
        reading,
        {"redemption_rate": rate, "outstanding_rate": left},
    )


def triangle_table(programme: Programme) -> pd.DataFrame:
    """Show the redemption triangle: earning quarters by age in quarters, the last eight."""
    found = redemption_triangle(programme.ledger).tail(8)
    ages = [name for name in found if name.startswith("by_")][:6]
    named = {name: f"by_quarter_{name[3:-1]}_share" for name in ages}
    return found[["quarter", "earned_count", *ages, "outstanding_share"]].rename(columns=named)


def owed_table(programme: Programme) -> Evidence:
    """State the liability and how it moves with the rate."""
    owed, redemption = programme.owed, programme.redemption
    if not np.isfinite(owed.amount.value):
        return Evidence(sensitivity(owed), "What the points will cost", "", "None was redeemed yet.", {})
    naive = redemption.to_date_share * owed.outstanding_count * owed.value_amount
    currency = owed.amount.unit
    point = sensitivity(owed, steps=(0.01,))["change_amount"].iloc[0]
    rate, thousand = redemption.outstanding_rate.short, 1000 * owed.value_amount
    reading = (
        f"{count_text(owed.outstanding_count)} points are outstanding; {rate} of them will be redeemed, at {currency} "
        f"{thousand:,.2f} a thousand: {owed.amount.text}. One percentage point of the rate moves it by "
        f"{amount_text(abs(point), currency)}. With the naive rate to date it would be {amount_text(naive, currency)}."
    )
    estimates = {"liability": owed.amount}
    if np.isfinite(owed.change_amount):
        estimates["liability_change"] = Estimate(owed.change_amount, currency, n=owed.amount.n)
    return Evidence(sensitivity(owed), "What the points will cost", "", reading, estimates)


def effects(programme: Programme) -> Evidence | None:
    """Put the naive look at members beside the comparison with customers like them."""
    found = programme.effects
    if found is None:
        return None
    rows = []
    looks = [
        ("Card spending", _NAIVE, programme.naive.get("spending")),
        ("Card spending", _ALIKE, found.spending),
        ("Card spending before joining\n(must be 1)", _ALIKE, found.placebo),
        ("Closing the accounts, a month", _ALIKE, found.leaving),
    ]
    for label, look, one in looks:
        if one is not None and np.isfinite(one.value):
            rows.append({"label": label, "look": look, "ratio": one.value, "low": one.low, "high": one.high})
    if not any(row["look"] == _ALIKE for row in rows):
        return None
    named = {
        "naive_spending_ratio": programme.naive.get("spending"), "spending_ratio": found.spending,
        "placebo_ratio": found.placebo, "leaving_ratio": found.leaving, "margin_of_membership": found.margin,
        "invitation_effect": programme.invitation.acts if programme.invitation else None,
    }  # fmt: skip
    estimates = {name: one for name, one in named.items() if one is not None}
    main = found.spending
    title = (f"Members pay {_more(programme.naive['spending'].value)} by card; joining goes with {_more(main.value)}"
             if main is not None and "spending" in programme.naive
             else "What membership does, beside customers like members")  # fmt: skip
    return Evidence(
        pd.DataFrame(rows), title,
        "Ratio of members to others; 95 % intervals clustered by customer; "
        + f"{count_text((main or found.leaving).n)} who joined" * (main is not None),
        _effects_reading(programme), estimates,
    )  # fmt: skip


def no_effects(programme: Programme) -> str:
    """Say why what membership does is not known."""
    return "; ".join(programme.why[name] for name in ("effects", "spending", "leaving") if name in programme.why) or (
        "nobody joined whose spending is known before and after"
    )


def balance(programme: Programme) -> Evidence | None:
    """Show how unlike those who joined were, and how like the weighted others are."""
    found = programme.effects.likeness if programme.effects else None
    if found is None:
        return None
    table = found.balance.reindex(found.balance["before"].abs().sort_values(ascending=False, kind="stable").index)
    table = table.head(_MOST_FACTS)
    frame = pd.concat([
        pd.DataFrame({"fact": table["fact"], "difference": table[side], "when": name}) for side, name in
        (("before", "all others"), ("after", "weighted others"))], ignore_index=True)  # fmt: skip
    frame = frame.assign(low=frame["difference"], high=frame["difference"])
    before, after = found.balance["before"].abs().max(), found.balance["after"].abs().max()
    return Evidence(
        frame,
        f"Who joined was unlike others by up to {before:.2f} standard deviations",
        f"Standardised differences before joining; {count_text(found.treated_count)} who joined, the "
        f"{min(_MOST_FACTS, len(found.balance))} largest of {len(found.balance)} facts",
        f"After weighting the largest difference is {after:.3f}. The others count as much as "
        f"{count_text(found.effective_n)} of equal weight; the heaviest has {share_text(found.largest_weight_share)}. "
        f"Joining can be told from the facts with an AUC of {found.auc:.2f}; near 1 there would be nobody like them.",
    )


def account(programme: Programme, *, currency: str) -> Evidence:
    """State what the programme earned in the last twelve months."""
    year = programme.year
    estimates = {"rewards": year.rewards}
    if np.isfinite(year.break_even_amount):
        estimates["break_even"] = Estimate(year.break_even_amount, currency, n=year.members_count)
    if year.net is not None:
        estimates |= {"net_result": year.net}
        if year.return_share is not None:
            estimates["return_share"] = year.return_share
    cost = amount_text(year.break_even_amount, currency)
    reading = f"Rewards and the change of what is owed cost {cost} a member a year: that much margin it has to bring."
    if year.net is None:
        return Evidence(
            year.items, f"The programme has to bring {cost} a member a year", "Last 12 months", reading, estimates
        )
    net = year.net
    verdict = "it pays" if net.low > 0 else "it loses money" if net.high < 0 else "whether it pays is open"
    margin = programme.effects.margin
    reading += (f" By those like members it brings {margin.short} ({margin.interval}); so {verdict}: net "
                f"{net.short} ({net.interval}).")  # fmt: skip
    return Evidence(
        year.items,
        f"Net {net.short} a year: {verdict}",
        f"{currency} in the last 12 months; {count_text(year.members_count)} active members; 95 % intervals",
        reading,
        estimates,
    )


def _effects_reading(programme: Programme) -> str:
    found, told = programme.effects, []
    if "spending" in programme.naive and found.spending is not None:
        naive, one = _more(programme.naive["spending"].value), _more(found.spending.value)
        low, high = (100 * (limit - 1) for limit in (found.spending.low, found.spending.high))
        told.append(
            f"Members pay {naive} by card than other customers, but they did so before they joined; beside customers "
            f"like them, joining goes with {one} ({low:+.1f} to {high:+.1f} %)."
        )
    if found.placebo is not None:
        holds = found.placebo.low <= 1 <= found.placebo.high
        alike = ("no sign that the others are not alike" if holds else "the others are not alike enough, so the effect "
                 "on spending is overstated by about as much")  # fmt: skip
        told.append(
            f"In the three months before joining, which joining cannot move, the ratio is "
            f"{found.placebo.value:.2f} ({found.placebo.low:.2f} to {found.placebo.high:.2f}): {alike}."
        )
    if found.leaving is not None:
        value, limit = e_value(found.leaving)
        told.append(f"Members close their accounts {found.leaving.value:.2f} times as often as others like them "
                    f"({found.leaving.low:.2f} to {found.leaving.high:.2f}); a hidden cause would have to raise both "
                    f"joining and staying by {value:.1f} to explain that away, by {limit:.1f} to reach 1.")  # fmt: skip
    elif "leaving" in programme.why:
        told.append(f"Leaving cannot be compared: {programme.why['leaving']}.")
    trial = programme.invitation
    if trial is not None:
        acts, strength = trial.acts, trial.first_stage_f
        told.append(
            f"By lot: {trial.said} Being invited changed joining by {acts.short} ({acts.interval}); with "
            f"F = {strength:.1f} that is enough to stand in for joining itself."
            if trial.is_strong
            else f"By lot: {trial.said} Being invited changed joining by {acts.short} ({acts.interval}); with "
            f"F = {strength:.1f} that is far too weak to stand in for joining itself."
        )
    return " ".join(told)


def _more(ratio: float) -> str:
    return f"{share_text(abs(ratio - 1))} {'more' if ratio >= 1 else 'less'}"
