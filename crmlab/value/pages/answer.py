"""The answer about customer value in sentences, and whom to act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.stats import Evidence, amount_text, share_text
from crmlab.value.pages.evidence import FEWEST
from crmlab.value.purchases.fit_guard import products_without_contract
from crmlab.value.study import ValueStudy

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["LABELS", "below_cost", "headline", "lists_said", "outlook", "valuable_at_risk", "which_model"]

LABELS = {
    "past_value_total": "Value of the last months, all customers",
    "loss_making_share": "Customers who cost more than they bring",
    "loss_making_amount": "What they cost together",
    "top_10_value_share": "Share of the value from the best tenth",
    "top_20_value_share": "Share of the value from the best fifth",
    "value_total": "Expected value of all customers",
    "value_at_risk": "Value expected to be lost by leaving",
    "margin_12m": "Expected margin and fees of the next 12 months, before costs, undiscounted",
    "mae_forecast": "Mean miss of the forecast, a customer",
    "mae_last_year": "Mean miss of last year again (or as many months), a customer",
    "mae_difference": "Forecast less last year again, mean miss",
    "rank_forecast": "Rank correlation of the forecast",
    "rank_difference": "Forecast less last year again, rank correlation",
    "top_found": "Share of the true top tenth found",
    "top_found_difference": "Forecast less last year again, top tenth found",
    "within_limits_share": "Outcomes within a customer's own 80 % limits",
}
_TOP = 0.8  # quantile of value from which a customer is valuable


def headline(study: ValueStudy, expected: Evidence | None, whale: Evidence | None) -> str:
    """Say what customers are worth and who makes it, with intervals.

    Parameters
    ----------
    study : ValueStudy
    expected, whale : Evidence or None
        From `crmlab.value.pages.evidence`.
    """
    if whale is None:
        return f"Fewer than {FEWEST} customers are there: what they are worth is not shown."
    top = whale["top_10_value_share"]
    best = (
        f"the best tenth brings {share_text(top.value)} of the value" if top.value == top.value else "none brings any"
    )
    who = f"Who costs money is not known, as service has no price here; {best}."
    if study.has_costs:
        who = f"{whale['loss_making_share'].text} of them cost more than they bring, {best}."
    if expected is None:
        total = float(study.past["value_amount"].sum())
        brought = f"Customers brought {amount_text(total, study.currency)} in the last {_months(study.months)}"
        count = f"(full count, n = {len(study.past):,})"
        brought = f"{brought} as far as it is known here {count}." if study.missing else f"{brought} {count}."
        return f"{brought} {who}"
    months = study.expected.horizon_months
    text = expected["value_total"].text
    worth = (
        f"Customers are worth {text} over the next {_months(months)} as far as it is known here."
        if study.missing
        else f"Customers are worth {text} over the next {_months(months)}."
    )
    return f"{worth} {who}"


def outlook(study: ValueStudy, expected: Evidence | None, sure: Evidence | None) -> str:
    """Say what is at risk and how sure the forecast is; empty without a forecast.

    Parameters
    ----------
    study : ValueStudy
    expected, sure : Evidence or None
        From `crmlab.value.pages.evidence`.
    """
    if expected is None:
        return ""
    risk = expected["value_at_risk"]
    said = f"Leaving is expected to cost {risk.text}."
    if sure is None:
        return " ".join([said, "The history is too short to test the forecast."])
    ours, last = sure["mae_forecast"], sure["mae_last_year"]
    gain = sure["mae_difference"]
    verdict = "surer than" if gain.high is not None and gain.high < 0 else "not shown to be surer than"
    tried = (
        f"Tried on an earlier day, the forecast missed by {ours.short} a customer ({ours.interval}), {verdict} "
        f"the time before again ({last.short}), and found {sure['top_found'].short} of the true top tenth."
    )
    return f"{said} {tried}"


def which_model(bank: Bank) -> str:
    """Say for which products a model of purchases without a contract may be used here.

    Parameters
    ----------
    bank : Bank
        With ``products`` and ``accounts``.
    """
    columns = [name for name in ("product_id", "family", "fee_amount") if name in bank.columns("products")]
    products = bank.frame("products", columns).sort_values("product_id")
    closed = None
    if "closed_on" in bank.columns("accounts"):
        rows = bank.sql("select product_id, count(closed_on) as n from accounts group by product_id").df()
        closed = rows.set_index("product_id")["n"]
    judged = products_without_contract(products, closed)
    free = int(judged["is_fit"].sum())
    if free == 0:
        return (
            f"All {len(judged)} products are contracts, carry a fee, or are seen to close: leaving is seen, so a "
            "hazard is used, and no model that guesses it from silence (BG/NBD)."
        )
    return (
        f"{free} of {len(judged)} products have no contract that ends on a known day, no fee and no closing: there "
        "BG/NBD may be tried on purchases; for the others leaving is seen, and a hazard is used."
    )


def valuable_at_risk(study: ValueStudy) -> pd.Series:
    """Say of which valuable customers leaving is likelier than usual, the most value at risk first.

    Parameters
    ----------
    study : ValueStudy
        With an expected value.

    Returns
    -------
    Series of str
        Reason, indexed by ``customer_id``: of the most valuable fifth, those whose chance to leave is above the mean of
        all.
    """
    if study.expected is None or not len(study.expected.frame):
        return pd.Series(dtype="str", name="reason")
    frame = study.expected.frame
    chosen = frame[(frame["value_amount"] >= frame["value_amount"].quantile(_TOP)) & (frame["value_amount"] > 0)
                   & (frame["p_leave"] > frame["p_leave"].mean())]  # fmt: skip
    chosen = chosen.sort_values("at_risk_amount", ascending=False, kind="stable")
    money, months = study.currency, study.expected.horizon_months
    return pd.Series(
        [
            f"worth {amount_text(row.value_amount, money)} over {_months(months)}, leaves with "
            f"{share_text(row.p_leave)}: {amount_text(row.at_risk_amount, money)} at risk"
            for row in chosen.itertuples()
        ],
        index=chosen.index, name="reason", dtype="str",
    )  # fmt: skip


def below_cost(study: ValueStudy) -> pd.Series:
    """Say which customers cost more to serve than they bring, last year and as expected; the costliest first.

    Parameters
    ----------
    study : ValueStudy

    Returns
    -------
    Series of str
        Reason, indexed by ``customer_id``; empty where costs are not known. Who costs money by expected losses alone is
        not on it: a cheaper channel would not help.
    """
    service = [name for name in study.past if name.startswith("service")]
    if not service or study.expected is None:
        return pd.Series(dtype="str", name="reason")
    cost = -study.past[service].sum(axis=1)
    margin = study.past["margin_amount"]
    ahead = study.expected.frame["value_amount"].reindex(study.past.index)
    short = (cost - margin).sort_values(ascending=False, kind="stable")
    chosen = short.index[(short > 0) & (ahead.reindex(short.index) < 0)]
    dearest = study.past[service].loc[chosen].idxmin(axis=1) if len(service) > 1 and len(chosen) else None
    money = study.currency
    reasons = []
    for name in chosen:
        what = f", most of it {_driver(dearest[name])}" if dearest is not None else ""
        reasons.append(f"service cost {amount_text(cost[name], money)}{what}, margin and fees brought "
                       f"{amount_text(margin[name], money)} in {_months(study.months)}")  # fmt: skip
    return pd.Series(reasons, index=chosen, name="reason", dtype="str")


def lists_said(care: pd.Series, refused: pd.DataFrame, cheaper: pd.Series, refused_too: pd.DataFrame) -> str:
    """Say how long the lists are and who was taken out.

    Parameters
    ----------
    care, cheaper : Series
        Reasons of those on the lists.
    refused, refused_too : DataFrame
        From `crmlab.outreach.policy.suppressed`.
    """
    out = pd.concat([refused, refused_too]).groupby("why_not", sort=True)["customers_count"].sum()
    out = out.sort_values(ascending=False, kind="stable")
    told = f"Taken out: {'; '.join(f'{count:,} ({why})' for why, count in out.items())}." if len(out) else ""
    spoken = (
        f"{len(care):,} valuable customers whose leaving is likelier than usual, and {len(cheaper):,} customers below "
        "cost to serve may be spoken to now."
    )
    return f"{spoken} {told}".rstrip()


def _driver(column: str) -> str:
    name = column.removeprefix("service_").removesuffix("_amount")
    return {"account": "keeping accounts", "atm": "cash machines", "written": "written answers"}.get(name, name)


def _months(count: int) -> str:
    return f"{count:d} month{'' if count == 1 else 's'}"
