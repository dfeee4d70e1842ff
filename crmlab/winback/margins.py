"""What lost and returned customers yielded, month by month, and in the year before they began to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.stats import Estimate

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["margin_that_went", "month_margins", "month_number", "year_before"]

# who is looked at: those who left, and those who came back under a new number
_MARGINS = """
with who as (
    select customer_id from customers where left_on is not null {again}
), months as (select distinct balance_on as month_on from balances)
select accounts.customer_id, months.month_on,
    sum(coalesce(abs(balance_amount) * {share} / 12, 0) + coalesce({fee}, 0)) as margin_amount
from accounts join who using (customer_id) join products using (product_id)
join months on opened_on <= month_on {open}
left join balances on balances.account_id = accounts.account_id and balance_on = month_on
group by all order by all
"""


def month_number(days: object) -> np.ndarray:
    """Number the months of days, so that their difference is in whole months; not known for an empty day.

    Examples
    --------
    >>> month_number(["2024-01-31", "2024-03-01"]).tolist()
    [24288.0, 24290.0]
    """
    when = pd.DatetimeIndex(pd.to_datetime(pd.Series(days)))
    return np.asarray(when.year * 12 + when.month - 1, dtype=float)


def month_margins(bank: Bank) -> pd.DataFrame:
    """Say what each customer who left or came back yielded at each month-end.

    Parameters
    ----------
    bank : Bank
        As of a date. Without accounts, products or balances the frame is empty.

    Returns
    -------
    DataFrame
        ``customer_id``, ``month_on`` (month-end), ``margin_amount``: of the month, in the bank's currency.

    Notes
    -----
    Absolute balance times the product's margin a year / 12, and its monthly fee, over the accounts open at the
    month-end: what feature ``margin_12m_amount`` of a snapshot counts for twelve of them.
    """
    nothing = pd.DataFrame({"customer_id": pd.Series(dtype="str"), "month_on": pd.Series(dtype="datetime64[us]"),
                            "margin_amount": pd.Series(dtype=float)})  # fmt: skip
    has = bank.columns("products") if bank.has("products") else ()
    if not bank.has("accounts", "products", "balances") or "left_on" not in bank.columns("customers"):
        return nothing
    if not {"margin_share", "fee_amount"} & {*has}:
        return nothing
    query = _MARGINS.format(
        again="or previous_customer_id is not null" if "previous_customer_id" in bank.columns("customers") else "",
        share="margin_share" if "margin_share" in has else "0.0",
        fee="fee_amount" if "fee_amount" in has else "0",
        open="and (closed_on is null or closed_on > month_on)" if "closed_on" in bank.columns("accounts") else "",
    )
    found = bank.to_frame(bank.sql(query))
    return found.assign(month_on=pd.to_datetime(found["month_on"])) if len(found) else nothing


def year_before(margins: pd.DataFrame, left_on: pd.Series, *, fade_months: int) -> pd.DataFrame:
    """Say what each lost customer yielded a year, before the relation began to fade.

    Parameters
    ----------
    margins : DataFrame
        From `month_margins`.
    left_on : Series of datetime
        Day of leaving, indexed by ``customer_id``.
    fade_months : int
        Months before leaving that are left out, because money and use are already going.

    Returns
    -------
    DataFrame
        Indexed as `left_on`: ``margin_amount`` (a year; empty where no month-end is known), ``margin_months_count``
        (month-ends behind it, up to 12), ``is_before_fade`` (they lie before the fade).

    Notes
    -----
    Mean of the twelve month-ends before the fade, times 12. Who joined later, or left soon after the bank's records
    begin, has none of these: then the oldest month-end known stands in, and ``is_before_fade`` is False.

    Examples
    --------
    >>> ends = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-06-30"])
    >>> rows = pd.DataFrame({"customer_id": "a", "month_on": ends, "margin_amount": [10.0, 20.0, 1.0]})
    >>> gone = pd.Series(pd.to_datetime(["2024-08-15"]), index=pd.Index(["a"], name="customer_id"))
    >>> year_before(rows, gone, fade_months=6).to_numpy().tolist()
    [[180.0, 2, True]]
    """
    known = margins[margins["customer_id"].isin(left_on.index)]
    before = month_number(left_on.reindex(known["customer_id"])) - month_number(known["month_on"])
    known = known.assign(before=before)
    full = known[(before >= fade_months) & (before < fade_months + 12)].groupby("customer_id")["margin_amount"]
    some = known[before > 0].sort_values(["customer_id", "before"]).groupby("customer_id")["margin_amount"].last()
    result = pd.DataFrame({"margin_amount": 12 * full.mean(), "margin_months_count": full.size()})
    result = result.reindex(left_on.index)
    is_before = result["margin_amount"].notna()
    result["margin_amount"] = result["margin_amount"].fillna(12 * some.reindex(left_on.index))
    stand_in = (~is_before & result["margin_amount"].notna()).astype(int)
    result["margin_months_count"] = result["margin_months_count"].fillna(stand_in).astype(int)
    return result.assign(is_before_fade=is_before)


def margin_that_went(margins: object, currency: str, *, resamples: int = 2_000, seed: int = 1) -> Estimate:
    """Add up the margins a year of those who left, with the luck of who and how many left.

    Parameters
    ----------
    margins : array-like of float
        Margin a year, one a leaver; no gaps.
    currency : str
        Of the bank.

    Returns
    -------
    Estimate
        Without an interval below two leavers.

    Notes
    -----
    A compound Poisson sum: each leaver counts as often as a Poisson draw with mean 1 says, and the limits are those of
    the studentised bootstrap, the standard error being the root of the sum of squares. A few large customers carry the
    sum, so plain percentiles are too narrow: with 30, 95 and 254 leavers drawn from a simulated bank they held the
    expected sum in 79, 82 and 89 %, these limits in 89, 90 and 92 %. Still less than 95 %: a sample seldom holds the
    very largest.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, section 5.2.

    Examples
    --------
    >>> went = margin_that_went([100.0, 150.0, 200.0, 50.0], "EUR")
    >>> went.value, went.low < 500 < went.high
    (500.0, True)
    """
    values = np.asarray(margins, dtype=float)
    total, error = float(values.sum()), float(np.sqrt((values**2).sum()))
    method = f"studentised bootstrap, {resamples:,} resamples"
    if len(values) < 2 or error == 0:
        return Estimate(total, currency, n=len(values), method="too few for an interval")
    weights = np.random.default_rng(seed).poisson(1.0, (resamples, len(values)))
    errors = np.sqrt(weights @ values**2)
    some = errors > 0
    ratios = (weights[some] @ values - total) / errors[some]
    low_ratio, high_ratio = np.quantile(ratios, [0.025, 0.975])
    low, high = total - float(high_ratio) * error, total - float(low_ratio) * error
    return Estimate(total, currency, min(low, total), max(high, total), n=len(values), method=method)
