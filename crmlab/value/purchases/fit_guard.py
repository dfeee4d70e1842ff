"""Where BG/NBD has no business: contracts, fees, closings that are seen, and counts that it does not draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from crmlab.errors import refuse
from crmlab.value.purchases.bg_nbd import PurchaseModel
from crmlab.value.purchases.history import checked_history

__all__ = ["FitCheck", "check_fit", "products_without_contract", "refuse_contracts"]

CONTRACTS = ("current", "savings", "term_deposit", "investment", "pension", "loan", "mortgage", "insurance", "payment")
_FEWEST_EXPECTED = 5.0  # customers in a class of the test
_LARGEST_COUNT = 40
_GRID = 200  # ages are rounded to so many steps: the chances of counts hardly move
_OFF_SHARE = 0.10  # share of customers in a wrong class from which on the law is not used, however many there are


def products_without_contract(products: pd.DataFrame, closed: pd.Series | None = None) -> pd.DataFrame:
    """Say for each product whether purchases on it may be modelled by BG/NBD.

    Parameters
    ----------
    products : DataFrame
        ``product_id``, ``family`` and, where known, ``fee_amount`` (a month).
    closed : Series of int, optional
        Accounts seen to close, by ``product_id``.

    Returns
    -------
    DataFrame
        ``product_id``, ``family``, ``is_fit``, ``reason`` (empty where it is).

    Notes
    -----
    The model guesses from silence who has dropped out. A contract ends on a day that the bank knows, and a fee is paid
    in silence too: there a hazard of closing says more, and the guess would throw that knowledge away.

    Examples
    --------
    >>> products = pd.DataFrame({"product_id": ["C", "S"], "family": ["card", "savings"], "fee_amount": [2.5, 0.0]})
    >>> products_without_contract(products)["reason"].tolist()
    ['a fee is paid also by who does not buy', 'savings is a contract: its end is seen']
    """
    fee = products["fee_amount"].fillna(0.0) if "fee_amount" in products else pd.Series(0.0, index=products.index)
    ends = products["product_id"].map(closed).fillna(0) if closed is not None else pd.Series(0, index=products.index)
    reasons = [
        f"{row.family} is a contract: its end is seen" if row.family in CONTRACTS
        else "a fee is paid also by who does not buy" if paid > 0
        else f"{int(ended):,} accounts were seen to close: use a hazard" if ended > 0
        else ""
        for row, paid, ended in zip(products.itertuples(), fee, ends, strict=True)
    ]  # fmt: skip
    found = products[["product_id", "family"]].assign(is_fit=[not reason for reason in reasons], reason=reasons)
    return found.reset_index(drop=True)


def refuse_contracts(products: pd.DataFrame, closed: pd.Series | None = None) -> None:
    """Refuse products on which purchases may not be modelled by BG/NBD, with the reason for each.

    >>> refuse_contracts(pd.DataFrame({"product_id": ["S"], "family": ["savings"]}))
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: BG/NBD on S: savings is a contract: its end is seen. Use crmlab.value.forecast.
    """
    judged = products_without_contract(products, closed)
    refuse(
        *(
            f"BG/NBD on {row.product_id}: {row.reason}. Use crmlab.value.forecast."
            for row in judged[~judged["is_fit"]].itertuples()
        )
    )


@dataclass(frozen=True)
class FitCheck:
    """Do the model's chances of 0, 1, 2, ... purchases match the customers seen?

    Parameters
    ----------
    frame : DataFrame
        ``purchases_count`` (lowest of the class), ``label``, ``seen_count``, ``expected_count`` customers.
    statistic, p_value : float
        Chi-square, with classes less 1 less 4 parameters degrees of freedom; not known with too few classes.
    off_share : float
        Share of customers who are in another class than the model has them, 0 to 1.
    is_fit : bool
        False where more than a tenth are off and chance does not explain it (1 %).
    reason : str
        In words.
    """

    frame: pd.DataFrame
    statistic: float
    p_value: float
    off_share: float
    is_fit: bool
    reason: str


def check_fit(model: PurchaseModel, history: pd.DataFrame) -> FitCheck:
    """Hold the model against the customers it was fitted to, by their number of purchases.

    Parameters
    ----------
    model : PurchaseModel
    history : DataFrame
        From `purchase_history`.

    Returns
    -------
    FitCheck

    Notes
    -----
    With many customers every law is rejected for a trifle, so `is_fit` asks for the size of the misfit too. Customers
    who buy as regularly as a salary comes, or once a season, are what it finds.

    Examples
    --------
    >>> model = PurchaseModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
    >>> rows = pd.DataFrame({"purchases_count": [9] * 50, "recency_weeks": [36.0] * 50, "age_weeks": [39.0] * 50})
    >>> check_fit(model, rows).is_fit
    False
    """
    x, _, age = checked_history("check_fit", history)
    step = max(float(age.max()) / _GRID, 1e-9) if len(age) else 1.0
    weeks, customers = np.unique(np.maximum(np.round(age / step), 0) * step, return_counts=True)
    top = int(min(x.max(initial=0) + 1, _LARGEST_COUNT))
    chances = np.array([model.chance_of(np.arange(top), week) for week in weeks])
    expected = np.append(customers @ chances, 0.0)
    expected[-1] = max(len(x) - expected.sum(), 0.0)
    seen = np.bincount(np.minimum(x, top).astype(int), minlength=top + 1).astype(float)
    classes = _classes(expected)
    expected, seen = np.add.reduceat(expected, classes), np.add.reduceat(seen, classes)
    off = float(np.abs(seen - expected).sum() / 2 / max(len(x), 1))
    statistic = float(((seen - expected) ** 2 / np.maximum(expected, 1e-12)).sum())
    free = len(classes) - 5
    p = float(chi2.sf(statistic, free)) if free >= 1 else math.nan
    is_fit = not (off > _OFF_SHARE and not p >= 0.01)
    ends = [*(int(one) for one in classes[1:]), None]
    labels = [
        f"{first}" if last == first + 1 else f"{first} or more" if last is None else f"{first} to {last - 1}"
        for first, last in zip(classes.tolist(), ends, strict=True)
    ]
    frame = pd.DataFrame(
        {"purchases_count": classes, "label": labels, "seen_count": seen.astype(int), "expected_count": expected}
    )
    told = f"{100 * off:.1f} % of {len(x):,} customers bought another number of times than the model has them"
    return FitCheck(frame, statistic, p, off, is_fit, told)


def _classes(expected: np.ndarray) -> np.ndarray:
    """First count of each class, so that at least five customers are expected in it."""
    starts, held = [0], 0.0
    for count, customers in enumerate(expected):
        if held >= _FEWEST_EXPECTED and expected[count:].sum() >= _FEWEST_EXPECTED:
            starts.append(count)
            held = 0.0
        held += customers
    return np.array(starts)
