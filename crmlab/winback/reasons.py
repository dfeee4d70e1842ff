"""Why they left: signs before leaving against the same signs among those who stayed, and one reason a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.stats import proportions
from crmlab.stats.differences import holm
from crmlab.winback.lost import BY_CHOICE
from crmlab.winback.margins import month_number
from crmlab.winback.signs import REASON, SIGNS, WHO, WINDOW_MONTHS, records_begin, signs_before

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["NOT_KNOWN", "compare_signs", "leavers_and_stayers", "name_reasons", "reason_counts"]

NOT_KNOWN = "not known"
_TENURE_YEARS = (1, 2, 5, 10)


def leavers_and_stayers(
    bank: Bank, lost: pd.DataFrame, *, window_months: tuple[int, int] = WINDOW_MONTHS, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Look for the signs before each leaving, and before days of customers who stayed, drawn alike.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    lost : DataFrame
        From `crmlab.winback.lost.lost_customers`.
    window_months : (int, int)
        As in `crmlab.winback.signs.signs_before`.
    seed : int
        Of the days drawn for those who stayed.

    Returns
    -------
    leavers, stayers : DataFrame of bool
        Indexed by ``customer_id``, one column a sign; ``is_covered`` (the whole window lies in the bank's records);
        ``stratum`` (how long here, and whether the account was used: like is compared with like).

    Notes
    -----
    Leavers: lost by choice, with an account of their own. Stayers: customers with an account who are still here; each
    gets the leaving day of one leaver, drawn at random with replacement, so that both are looked at over the same
    months, and each counts once. Who joined after the window's end on either side is left out: there was no window.
    """
    last, first = window_months
    gone = lost[(lost["way"] == BY_CHOICE) & lost["has_held"]]
    begins = records_begin(bank)
    days = gone["left_on"]
    joined = _joined(bank)
    leavers = _with_stratum(signs_before(bank, days, window_months=window_months), days, joined)
    leavers["is_covered"] = _covered(days, begins, first)
    pool = np.sort(days[leavers["is_covered"]].to_numpy())
    stay = joined[joined.index.isin(_here(bank))]
    if not len(pool) or not len(stay):
        return leavers, leavers.iloc[:0]
    drawn = pd.Series(np.random.default_rng(seed).choice(pool, len(stay)), index=stay.index)
    drawn = drawn[stay <= drawn - pd.DateOffset(months=last)]
    stayers = _with_stratum(signs_before(bank, drawn, window_months=window_months), drawn, joined)
    return leavers, stayers.assign(is_covered=True)


def compare_signs(leavers: pd.DataFrame, stayers: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Compare how common each sign is before leaving with how common it is among like customers who stay.

    Parameters
    ----------
    leavers, stayers : DataFrame of bool
        From `leavers_and_stayers`: one column a sign, ``is_covered`` and, where known, ``stratum``.
    level : float
        Confidence level of each interval.

    Returns
    -------
    DataFrame
        One row a sign, indexed by its code, the highest lift first: ``sign`` (title), ``kind``, ``rule``,
        ``leavers_count`` (with the sign), ``share`` with ``share_low`` and ``share_high`` (of the leavers),
        ``stayers_share`` (of stayers, mixed like the leavers), ``lift`` with ``lift_low`` and ``lift_high``,
        ``p_value`` (of reasons, corrected for all of them), ``is_reason``, ``beyond_chance_share`` (of the leavers,
        beyond what stayers show), ``n``, ``stayers_n``.

    Notes
    -----
    Lift: the ratio of risks of Mantel and Haenszel over strata (how long they had been here, whether they used the
    account), since new and idle customers leave more and meet less; its interval from the variance of Greenland and
    Robins, half a customer added to either side, spread over the strata. Of signs that say who they were the lift is
    plain. The p-value is that of the logarithm, corrected for all reasons looked at (Holm).

    A sign is taken for a reason where it is of that kind and more common among leavers beyond chance; a sign as common
    among those who stay explains nothing, however often it is met. Association, not proof: only the excess over stayers
    can be due to the sign.

    References
    ----------
    Mantel and Haenszel (1959), JNCI 22; Greenland and Robins (1985), Biometrics 41; Holm (1979), Scandinavian Journal
    of Statistics 6.

    Examples
    --------
    >>> gone = pd.DataFrame({"moved": [True] * 8 + [False] * 12, "is_covered": True})
    >>> here = pd.DataFrame({"moved": [True] * 5 + [False] * 95, "is_covered": True})
    >>> found = compare_signs(gone, here).loc["moved"]
    >>> round(float(found["share"] / found["stayers_share"]), 1), bool(found["is_reason"])
    (8.0, True)
    """
    gone = leavers[leavers["is_covered"].astype(bool)]
    names = [name for name in SIGNS if name in gone and name in stayers]
    rows = [
        _ratio(gone, stayers, name, [] if SIGNS[name].kind == WHO or "stratum" not in gone else ["stratum"], level)
        for name in names
    ]
    frame = pd.DataFrame(rows, index=pd.Index(names, name="code", dtype="str"), columns=_COLUMNS)
    for number, column in enumerate(("sign", "kind", "rule")):
        frame.insert(number, column, [getattr(SIGNS[name], "title" if column == "sign" else column) for name in names])
    shares = proportions(frame["leavers_count"].to_numpy(dtype=float), len(gone), level=level)
    frame[["share", "share_low", "share_high"]] = shares[["share", "share_low", "share_high"]].to_numpy()
    frame["p_value"] = holm(frame["p_value"].where(frame["kind"] == REASON))
    more = (frame["lift_low"] > 1) & (frame["p_value"] < 1 - level)
    frame["is_reason"] = more & (frame["kind"] == REASON)
    frame["beyond_chance_share"] = (frame["share"] - frame["stayers_share"]).clip(lower=0)
    frame["leavers_count"] = frame["leavers_count"].astype(int)
    frame["n"], frame["stayers_n"] = len(gone), len(stayers)
    return frame.sort_values(["lift", "sign"], ascending=[False, True], kind="stable")


_COLUMNS = ["leavers_count", "stayers_share", "lift", "lift_low", "lift_high", "p_value"]


def _ratio(gone: pd.DataFrame, here: pd.DataFrame, name: str, by: list[str], level: float) -> list[float]:
    """Return the columns `_COLUMNS` of one sign; nothing but the count where one side has no customers."""
    if not len(gone) or not len(here):
        return [int(gone[name].sum()), *[np.nan] * (len(_COLUMNS) - 1)]
    sides = [
        part.assign(stratum=part["stratum"] if by else 0).groupby("stratum")[name].agg(["sum", "size"])
        for part in (gone, here)
    ]
    strata = sides[0].index.union(sides[1].index)
    (y1, n1), (y0, n0) = (side.reindex(strata, fill_value=0).to_numpy(dtype=float).T for side in sides)
    both = (n1 > 0) & (n0 > 0)
    if not both.any():
        return [int(y1.sum()), *[np.nan] * (len(_COLUMNS) - 1)]
    expected = float((n1[both] * y0[both] / n0[both]).sum() / n1[both].sum())
    y1, n1, y0, n0 = (part[both] for part in (y1, n1, y0, n0))
    half = 0.5 * (n1 + n0) / (n1 + n0).sum()
    y1, y0, n1, n0 = y1 + half, y0 + half, n1 + 2 * half, n0 + 2 * half
    total = n1 + n0
    above, below = (y1 * n0 / total).sum(), (y0 * n1 / total).sum()
    spread = ((y1 + y0) * n1 * n0 / total**2 - y1 * y0 / total).sum() / (above * below)
    value, error = np.log(above / below), np.sqrt(max(spread, 0.0))
    step = norm.ppf((1 + level) / 2) * error
    p_value = float(2 * norm.sf(abs(value) / error)) if error > 0 else 1.0
    lifts = [float(np.exp(value + shift)) for shift in (0, -step, step)]
    return [int(gone[name].sum()), expected, *lifts, p_value]


def name_reasons(leavers: pd.DataFrame, compared: pd.DataFrame) -> pd.Series:
    """Name one reason a leaver: of those present, the one whose lift is highest.

    Parameters
    ----------
    leavers : DataFrame of bool
        From `leavers_and_stayers`.
    compared : DataFrame
        From `compare_signs`.

    Returns
    -------
    Series of str
        Code of a sign, or ``not known``, indexed as `leavers`. Only signs that `compared` takes for reasons are named.

    Examples
    --------
    >>> gone = pd.DataFrame({"moved": [True, False], "fees": [True, False]}, index=["a", "b"])
    >>> lifts = pd.DataFrame({"lift": [3.0, 2.0], "is_reason": True}, index=["moved", "fees"])
    >>> name_reasons(gone, lifts).tolist()
    ['moved', 'not known']
    """
    named = pd.Series(NOT_KNOWN, index=leavers.index, dtype="str", name="reason")
    proven = compared[compared["is_reason"].astype(bool)].sort_values("lift", kind="stable")
    for code in proven.index:  # the highest lift comes last and stays
        named = named.mask(leavers[code], code)
    return named


def reason_counts(reasons: pd.Series, compared: pd.DataFrame, margins: pd.Series) -> pd.DataFrame:
    """Count the reasons named, with their share, and the margin a year that went with them.

    Parameters
    ----------
    reasons : Series of str
        From `name_reasons`, of the customers to be counted.
    compared : DataFrame
        From `compare_signs`.
    margins : Series of float
        Margin a year by ``customer_id``.

    Returns
    -------
    DataFrame
        ``code``, ``reason``, ``customers_count``, ``share``, ``share_low``, ``share_high``, ``by_chance_share`` (of
        those named: how many would show the sign by chance, 1 / lift), ``margin_amount``; the most frequent first.
    """
    counts = reasons.value_counts()
    shares = proportions(counts, len(reasons))
    frame = pd.DataFrame(
        {
            "code": counts.index.to_numpy(),
            "reason": [NOT_KNOWN if code == NOT_KNOWN else SIGNS[code].title for code in counts.index],
            "customers_count": counts.to_numpy(),
            **{name: shares[name].to_numpy() for name in ("share", "share_low", "share_high")},
            "by_chance_share": np.minimum(1 / compared["lift"].reindex(counts.index).to_numpy(dtype=float), 1.0),
            "margin_amount": margins.reindex(reasons.index).groupby(reasons).sum().reindex(counts.index).to_numpy(),
        }
    )
    order = ["customers_count", "reason"]
    return frame.sort_values(order, ascending=[False, True], kind="stable").reset_index(drop=True)


def _covered(days: pd.Series, begins: pd.Timestamp | None, first: int) -> np.ndarray:
    if begins is None:
        return np.zeros(len(days), dtype=bool)
    return month_number(days) - month_number([begins]) >= first


def _with_stratum(signs: pd.DataFrame, days: pd.Series, joined: pd.Series) -> pd.DataFrame:
    """Add whom a customer is compared with: how long here by the day, and whether the account was used."""
    years = (days - joined.reindex(days.index)).dt.days.to_numpy() / 365.25
    band = np.digitize(years, _TENURE_YEARS)
    idle = signs["unused"].to_numpy(dtype=int) if "unused" in signs else 0
    return signs.assign(stratum=2 * band + idle)


def _joined(bank: Bank) -> pd.Series:
    rows = bank.frame("customers", ["customer_id", "joined_on"]).set_index("customer_id").sort_index()
    return pd.to_datetime(rows["joined_on"])


def _here(bank: Bank) -> set[str]:
    """Customers still here, with an account where accounts are known."""
    held = (
        " and exists (select 1 from accounts where accounts.customer_id = customers.customer_id)"
        if bank.has("accounts")
        else ""
    )
    left = "left_on is null" if "left_on" in bank.columns("customers") else "true"
    rows = bank.sql(f"select customer_id from customers where {left}{held}").fetchall()
    return {one for (one,) in rows}
