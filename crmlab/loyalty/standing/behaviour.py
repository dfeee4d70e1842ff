"""Behavioural loyalty: what customers do, from 0 to 100."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse

__all__ = ["AGE_BANDS", "COMPONENTS", "FEATURES", "TENURE_BANDS", "banded", "behaviour_index"]

FEATURES = ("age_years", "tenure_days", "products_count", "is_salary_credited", "active_months_12m_count",
            "recency_days", "margin_12m_amount", "is_active")  # fmt: skip
# Component -> how it is read; full marks are fixed, so that a change of the index is a change of customers.
COMPONENTS = {
    "tenure": "years here, full at 10",
    "products": "different products beyond the first, full at 5 products",
    "primary account": "the salary or pension arrives here",
    "activity": "months with an act of the customer's, of the last 12 or since joining",
    "share of wallet": "what is held here of what is held anywhere, where it is known",
}
_FULL_YEARS, _FULL_PRODUCTS = 10.0, 5.0
_DAYS_A_YEAR, _DAYS_A_MONTH = 365.2425, 30.44
TENURE_BANDS = (
    (0, "under 1 year"),
    (1, "1 to 3 years"),
    (3, "3 to 5 years"),
    (5, "5 to 10 years"),
    (10, "10 years up"),
)
AGE_BANDS = ((0, "under 30"), (30, "30 to 44"), (45, "45 to 59"), (60, "60 and over"))


def behaviour_index(seen: pd.DataFrame, *, share_of_wallet: str = "", weights: dict[str, float] | None = None
                    ) -> pd.DataFrame:  # fmt: skip
    """Give every customer an index of behavioural loyalty and its components.

    Parameters
    ----------
    seen : DataFrame
        Snapshot. Used where known: ``tenure_days``, ``products_count``, ``is_salary_credited``,
        ``active_months_12m_count`` (or ``is_active`` of a flat file).
    share_of_wallet : str
        Column with the share of what the customer holds anywhere that is held here, 0 to 1; empty: not known.
    weights : dict of str to float, optional
        Weight of each of `COMPONENTS`; None: alike.

    Returns
    -------
    DataFrame
        Rows of `seen`: the components known, 0 to 100, and ``behaviour``, their weighted mean.

    Raises
    ------
    CrmlabError
        Fewer than two components are known: one alone is not loyalty.

    Notes
    -----
    A mean of components that are read on fixed scales. It describes and does not explain: a customer may stay because
    moving is a burden. That is what the attitude beside it is for. Components alike is a convention; see
    `crmlab.loyalty.standing.quadrants.shares_by_cut` for what it decides.

    Examples
    --------
    >>> seen = pd.DataFrame({"tenure_days": [3652.425, 1826.2], "products_count": [3, 1]})
    >>> behaviour_index(seen)["behaviour"].round(1).tolist()  # (100 + 50) / 2, (50 + 0) / 2
    [75.0, 25.0]
    """
    refuse(
        *(f"behaviour: no component {name!r}.{nearest(name, COMPONENTS)} Known: {list(COMPONENTS)}."
          for name in weights or {} if name not in COMPONENTS),
        *([f"behaviour: the snapshot has no column {share_of_wallet!r}.{nearest(share_of_wallet, seen.columns)}"]
          if share_of_wallet and share_of_wallet not in seen else []),
    )  # fmt: skip
    parts = {name: values for name, values in _components(seen, share_of_wallet).items() if values.notna().any()}
    given = {name: 1.0 if weights is None else float(weights.get(name, 0.0)) for name in parts}
    used = [name for name in parts if given[name] > 0]
    refuse(*([f"behaviour: {', '.join(used) or 'nothing'} is known of customers; two components are needed. "
              "Give accounts or transactions."] if len(used) < 2 else []))  # fmt: skip
    table = pd.DataFrame({name: parts[name] for name in used}, index=seen.index)
    weight = table.notna() * np.array([given[name] for name in used])
    table["behaviour"] = (table[used].fillna(0.0) * weight).sum(axis=1) / weight.sum(axis=1)
    return table


def banded(values: pd.Series, bands: tuple[tuple[float, str], ...]) -> pd.Series:
    """Put numbers in named bands, as an ordered category.

    Examples
    --------
    >>> banded(pd.Series([29.0, 61.0]), AGE_BANDS).tolist()
    ['under 30', '60 and over']
    """
    edges = [edge for edge, _ in bands]
    return pd.cut(values.astype("float64"), [*edges, np.inf], right=False, labels=[name for _, name in bands])


def _components(seen: pd.DataFrame, share_of_wallet: str) -> dict[str, pd.Series]:
    found = {}
    if "tenure_days" in seen:
        found["tenure"] = (seen["tenure_days"].astype("float64") / _DAYS_A_YEAR / _FULL_YEARS).clip(0, 1)
    if "products_count" in seen:
        count = seen["products_count"].astype("float64")
        found["products"] = ((count - 1) / (_FULL_PRODUCTS - 1)).clip(0, 1)
    if "is_salary_credited" in seen:
        found["primary account"] = seen["is_salary_credited"].astype("float64")
    if "active_months_12m_count" in seen:
        months = pd.Series(12.0, index=seen.index)
        if "tenure_days" in seen:
            months = (seen["tenure_days"].astype("float64") / _DAYS_A_MONTH).clip(1, 12).fillna(12.0)
        found["activity"] = (seen["active_months_12m_count"].astype("float64") / months).clip(0, 1)
    elif "is_active" in seen:
        found["activity"] = seen["is_active"].astype("float64")
    if share_of_wallet:
        found["share of wallet"] = seen[share_of_wallet].astype("float64").clip(0, 1)
    return {name: 100 * values for name, values in found.items()}
