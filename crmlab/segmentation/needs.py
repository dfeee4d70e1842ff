"""What customers bank for: the kinds of product they hold, how they put their money, what risk they bear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.compared import outcomes_of
from crmlab.stats import count_text

__all__ = ["NEED_FAMILIES", "NO_NEED", "NO_PRODUCT", "need_families", "needs", "needs_outcomes"]

NO_NEED, NO_PRODUCT = "Everyday banking only", "No product of their own"
# families that tell what somebody banks for; a current account, a card and payments are how everybody pays
NEED_FAMILIES = ("savings", "term_deposit", "investment", "pension", "loan", "mortgage", "insurance")
_PAYING = ("card", "payment")
_LABELS = {
    "savings": "Savings",
    "term_deposit": "Term deposit",
    "investment": "Investments",
    "pension": "Pension plan",
    "loan": "Loan",
    "mortgage": "Mortgage",
    "insurance": "Insurance",
    "card": "Credit card",
    "payment": "Payments",
}
# What earns a name; see `crmlab.segmentation.naming`. No word for insurance or fixed deposits alone: it would compete
# with a wider one, and the name of the same customers would change with a hair.
_WORDS = {
    "Investors": {"investment": 1.0, "investment_share": 0.5, "risk_tolerance=C5": 0.25},
    "Provision for old age": {"pension": 1.0},
    "Home and family": {"mortgage": 1.0, "insurance": 1.0},
    "Borrowers": {"loan": 1.0, "mortgage": 0.25},
    "Savers": {"savings": 1.0, "term_deposit": 0.75},
    "Cautious": {"risk_tolerance=C1": 1.0, "risk_tolerance=C2": 0.5},
    "Card users": {"card": 1.0},
    "Regular payers": {"payment": 1.0},
}
_FLAT_WORDS = {
    "Three products or more": {"products=3 or more": 1.0},
    "Two products": {"products=2": 1.0},
    "One product": {"products=1": 1.0},
    "Money kept here": {"keeps_money": 1.0},
    "No money kept here": {"keeps_money": -1.0},
    "Without a card": {"is_card_holder": -1.0},
    "Card holders": {"is_card_holder": 1.0},
}


def need_families(seen: pd.DataFrame) -> tuple[str, ...]:
    """Choose the product families that tell needs at this bank.

    The seven of `NEED_FAMILIES`; where fewer than two of them are held by anybody, cards and payment products as well.
    Keep the choice with a model: a later month must be described by the same families.

    Examples
    --------
    >>> need_families(pd.DataFrame({"savings_count": [1, 0], "loan_count": [0, 1]}))
    ('savings', 'term_deposit', 'investment', 'pension', 'loan', 'mortgage', 'insurance')
    """
    held = [name for name in NEED_FAMILIES if f"{name}_count" in seen and (seen[f"{name}_count"] > 0).any()]
    return NEED_FAMILIES if len(held) > 1 else (*NEED_FAMILIES, *_PAYING)


def needs(seen: pd.DataFrame, *, families: Sequence[str] = ()) -> tuple[Basis, pd.DataFrame, pd.Series, str]:
    """Describe what customers bank for, as far as their products and answers show it.

    Parameters
    ----------
    seen : DataFrame
        Snapshot, indexed by ``customer_id``. With ``<family>_count`` products are told apart; without (a flat file)
        ``products_count``, ``is_card_holder`` and whether there are assets are used.
    families : sequence of str
        Product families that tell needs; empty: those of `need_families`.

    Returns
    -------
    basis : Basis
        Which families are held, the share of assets in investments, the risk tolerance, as far as the bank knows them.
    frame : DataFrame
        One row a customer who holds at least one product of these families.
    rest : Series of str
        The other customers, in one of two groups by rule: ``Everyday banking only`` (an account, a card, but none of
        these products), ``No product of their own``.
    said : str
        Who was left out, in a sentence.

    Notes
    -----
    Amounts are left out on purpose: with balances among the columns, the groups found are groups of wealth, which has
    its own question. On three simulated banks the agreement with the planted needs (adjusted Rand index, four groups)
    is .58 to .62 without amounts and falls below .3 with them. The share of assets in investments says how money is
    put, not how much: it changes the agreement by less than .01. Views of product pages are left out too: as a flag
    they change nothing, as a number they halve the agreement.

    Who holds none of these products shows no need; put among the others, they blur the groups (agreement .2).

    Examples
    --------
    >>> seen = pd.DataFrame({"savings_count": [2, 0, 0], "loan_count": [0, 1, 0], "accounts_count": [3, 2, 1]})
    >>> basis, frame, rest, said = needs(seen)
    >>> frame["savings"].tolist(), rest.tolist()
    ([True, False], ['Everyday banking only'])
    >>> said
    '2 customers hold a product that shows a need; 1 has an account but no such product (Everyday banking only).'
    """
    wanted = tuple(families) or need_families(seen)
    unknown = [name for name in wanted if name not in _LABELS]
    refuse(
        *(
            f"needs: there is no product family {name!r}; there are {', '.join(_LABELS)}.{nearest(name, _LABELS)}"
            for name in unknown
        )
    )
    counted = [name for name in wanted if f"{name}_count" in seen]
    if not counted:
        return _flat_needs(seen)
    columns = [Column(name, _LABELS[name], "flag") for name in counted]
    made = {name: seen[f"{name}_count"].fillna(0) > 0 for name in counted}
    holds = pd.DataFrame(made, index=seen.index).any(axis=1)
    if "investment_amount" in seen and "assets_amount" in seen:
        columns.append(Column("investment_share", "Investments, of assets if any", "share"))
        put = seen["investment_amount"] / seen["assets_amount"].where(seen["assets_amount"] > 0)
        made["investment_share"] = put.clip(0, 1).where(seen["investment_amount"] > 0)
    if "risk_tolerance" in seen:
        columns.append(Column("risk_tolerance", "Risk tolerance", "category"))
        made["risk_tolerance"] = seen["risk_tolerance"]
    basis = Basis("needs", tuple(columns), _words_for(_WORDS, columns))
    frame = pd.DataFrame(made, index=seen.index)[holds]
    none = (seen["accounts_count"] == 0) if "accounts_count" in seen else pd.Series(False, index=seen.index)
    rest = pd.Series(np.where(none, NO_PRODUCT, NO_NEED), index=seen.index, name="segment", dtype="str")[~holds]
    return basis, frame, rest, _said(len(frame), rest)


def needs_outcomes(seen: pd.DataFrame, index: pd.Index) -> pd.DataFrame | None:
    """Give what groups of need should tell apart though they were not made from it: margin, assets, income, age."""
    wanted = ("margin_12m_amount", "assets_amount", "salary_amount", "income_amount", "age_years",
              "frequency_12m_count", "interactions_12m_count")  # fmt: skip
    return outcomes_of(seen, index, wanted)


def _flat_needs(seen: pd.DataFrame) -> tuple[Basis, pd.DataFrame, pd.Series, str]:
    """Describe needs by what one flat file says: how many products, a card, money kept, the credit score."""
    columns, made = [], {}
    if "products_count" in seen:
        columns.append(Column("products", "Products", "category"))
        count = seen["products_count"]
        words = np.select([count.isna(), count < 1, count < 2, count < 3], ["", "none", "1", "2"], "3 or more")
        made["products"] = pd.Series(words, index=seen.index, dtype="str").where(count.notna())
    if "is_card_holder" in seen:
        columns.append(Column("is_card_holder", "Has a card", "flag"))
        made["is_card_holder"] = seen["is_card_holder"]
    if "assets_amount" in seen:
        columns.append(Column("keeps_money", "Keeps money here", "flag"))
        made["keeps_money"] = (seen["assets_amount"] > 0).astype(object).where(seen["assets_amount"].notna())
    if not columns:
        refuse(
            "needs: the snapshot tells nothing of products: it has no <family>_count, products_count, is_card_holder "
            "or assets_amount. Give the bank accounts and products, or a flat file with one of these."
        )
    rest = pd.Series([], index=seen.index[:0], name="segment", dtype="str")
    said = (
        f"All {count_text(len(seen))} customers are compared by what one flat file says of products; it does not name "
        "the kinds of product, so needs show only in part."
    )
    return (
        Basis("needs", tuple(columns), _words_for(_FLAT_WORDS, columns)),
        pd.DataFrame(made, index=seen.index),
        rest,
        said,
    )


def _words_for(words: dict[str, dict[str, float]], columns: Sequence[Column]) -> dict[str, dict[str, float]]:
    """Keep the words whose columns are there."""
    names = {column.name for column in columns}
    kept = {word: {c: w for c, w in weights.items() if c.split("=")[0] in names} for word, weights in words.items()}
    return {word: weights for word, weights in kept.items() if weights}


def _said(kept: int, rest: pd.Series) -> str:
    counts = rest.value_counts()
    left = [
        f"{count_text(counts[name])} {'has' if counts[name] == 1 else 'have'} {why} ({name})"
        for name, why in ((NO_NEED, "an account but no such product"), (NO_PRODUCT, "no account"))
        if counts.get(name, 0)
    ]
    verb = "customer holds" if kept == 1 else "customers hold"
    return f"{count_text(kept)} {verb} a product that shows a need" + (f"; {' and '.join(left)}." if left else ".")
