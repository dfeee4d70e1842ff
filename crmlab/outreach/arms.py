"""Were the arms of a campaign drawn as planned: are they of the planned sizes, and of the same kind of customers?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import binomtest, chi2, rankdata

from crmlab.stats import Evidence, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["arms"]

_FEWEST = 20  # customers in the smaller arm for comparing kinds of customers
_LARGEST_GROUPS = 5  # regions compared one by one


def arms(bank: Bank, *, false_alarm_rate: float = 0.05) -> Evidence:
    """Compare the arms of each randomised campaign with its plan and with each other.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        Chance of at least one alarm over all campaigns and both tests when each campaign was drawn as planned.

    Returns
    -------
    Evidence
        Frame, one row a randomised campaign, worst first: ``campaign_id``, ``customers_count``, ``planned_share`` and
        ``holdout_share`` (of the customers held out), ``p_split``, ``p_balance`` (both corrected for all looks),
        ``differs_most`` (fact and how far the arms are apart, standard deviations), ``is_alarm``.

    Notes
    -----
    Size of the arms: exact binomial test of the hold-out against ``campaigns.holdout_share``; web experiments know a
    miss as sample ratio mismatch (Fabijan et al. 2019, KDD). Kind of customers: the omnibus test d² of Hansen and
    Bowers (2008, Statistical Science 23) over age, tenure, income, gender and region as they are in the extract,
    numbers as ranks, in campaigns with 20 customers or more in each arm. Bonferroni over campaigns and tests. Facts
    known before the draw cannot be changed by it, so a difference means that the arms were not drawn at random, or were
    changed afterwards.
    """
    names = ["campaign_id", "customers_count", "planned_share", "holdout_share", "p_split", "p_balance", "differs_most",
             "is_alarm"]  # fmt: skip
    nothing = Evidence(pd.DataFrame({name: [] for name in names}), "", "", "No campaign was drawn at random.")
    if not bank.has("contacts", "campaigns", "campaigns.is_randomised"):
        return nothing
    people = _people(bank)
    found = []
    for campaign, rows in people.groupby("campaign_id", sort=True):
        held = (rows["arm"] == "holdout").to_numpy()
        planned = float(rows["holdout_share"].iloc[0])
        split = binomtest(int(held.sum()), len(held), planned).pvalue if 0 < planned < 1 else np.nan
        balance, fact = np.nan, ""
        if min(held.sum(), (~held).sum()) >= _FEWEST:
            balance, fact = _balance(rows, held)
        found.append((campaign, len(rows), planned, held.mean(), split, balance, fact))
    if not found:
        return nothing
    frame = pd.DataFrame(found, columns=names[:-1])
    looks = int(frame[["p_split", "p_balance"]].notna().sum().sum())
    frame = frame.assign(
        p_split=np.minimum(frame["p_split"] * looks, 1.0), p_balance=np.minimum(frame["p_balance"] * looks, 1.0)
    )
    lowest = frame[["p_split", "p_balance"]].min(axis=1)
    frame = frame.assign(is_alarm=lowest < false_alarm_rate)
    frame = frame.iloc[np.lexsort((frame["campaign_id"], lowest))].reset_index(drop=True)
    odd = frame[frame["is_alarm"]]
    told = " ".join(f"C{told_of(row, false_alarm_rate)[1:]}" for row in odd.head(3).itertuples())
    return Evidence(
        frame,
        title=f"{len(odd)} of {len(frame)} randomised campaigns were not drawn as planned",
        about="Share held out against the plan, and difference of the arms; exact binomial and d² tests, Bonferroni",
        reading=told
        or f"Arms of the planned sizes and of like customers in all campaigns drawn at random ({len(frame)}).",
    )


def told_of(row: object, rate: float) -> str:
    """Say what is wrong with one campaign's arms."""
    parts = []
    if row.p_split < rate:
        parts.append(f"{share_text(row.holdout_share)} of {row.customers_count:,} customers are held out, planned were "
                     f"{share_text(row.planned_share)}")  # fmt: skip
    if row.p_balance < rate:
        parts.append(f"the arms differ in {row.differs_most}")
    return f"campaign {row.campaign_id}: {', and '.join(parts)}."


def _people(bank: Bank) -> pd.DataFrame:
    """Return one row a customer of a randomised campaign, with arm, plan and what is known of the customer."""
    present = bank.columns("customers")
    facts = {
        "age": "date_diff('day', c.birth_on, k.assigned_at::date)" if "birth_on" in present else None,
        "tenure": "date_diff('day', c.joined_on, k.assigned_at::date)",
        "income": "c.income_amount" if "income_amount" in present else None,
        "gender": "c.gender" if "gender" in present else None,
        "region": "c.region" if "region" in present else None,
    }
    chosen = ", ".join(f"{expression} as {name}" for name, expression in facts.items() if expression)
    planned = "holdout_share" if "holdout_share" in bank.columns("campaigns") else "null"
    return bank.sql(
        f"select k.campaign_id, k.arm, coalesce(p.{planned}, 0)::double as holdout_share, {chosen}"
        " from contacts k join campaigns p using (campaign_id) join customers c using (customer_id)"
        " where p.is_randomised order by k.campaign_id, k.contact_id"
        if planned != "null"
        else f"select k.campaign_id, k.arm, 0.0 as holdout_share, {chosen}"
        " from contacts k join campaigns p using (campaign_id) join customers c using (customer_id)"
        " where p.is_randomised order by k.campaign_id, k.contact_id"
    ).df()


def _balance(rows: pd.DataFrame, held: np.ndarray) -> tuple[float, str]:
    """Return the p-value of d² and the fact in which the arms differ most."""
    columns: dict[str, np.ndarray] = {}
    for name in ("age", "tenure", "income"):
        if name in rows:
            values = rows[name].to_numpy(float)
            known = np.isfinite(values)
            ranks = np.full(len(values), (known.sum() + 1) / 2)
            ranks[known] = rankdata(values[known])
            columns[name] = ranks
            columns[f"{name} not known"] = (~known).astype(float)
    for name in ("gender", "region"):
        if name in rows:
            for value in rows[name].value_counts().index[:_LARGEST_GROUPS]:
                columns[f"{name} {value}"] = (rows[name] == value).to_numpy(float)
    facts = {name: values for name, values in columns.items() if values.std() > 0 and _is_common(values)}
    if not facts:
        return np.nan, ""
    x = np.column_stack(list(facts.values()))
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    apart = x[held].mean(axis=0) - x[~held].mean(axis=0)
    covariance = np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1])
    scale = 1 / held.sum() + 1 / (~held).sum()
    rank = int(np.linalg.matrix_rank(covariance, tol=1e-8))
    distance = float(apart @ np.linalg.pinv(covariance, rcond=1e-8, hermitian=True) @ apart / scale)
    worst = int(np.argmax(np.abs(apart)))
    return float(chi2.sf(distance, rank)), f"{list(facts)[worst]} ({abs(apart[worst]):.1f} standard deviations)"


def _is_common(values: np.ndarray) -> bool:
    """Tell whether a yes-or-no fact holds for some customers and not for some; numbers always do."""
    return len(np.unique(values)) > 2 or 10 <= (values == values.max()).sum() <= len(values) - 10
