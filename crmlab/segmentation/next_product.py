"""Which product family to offer a segment: usual among customers like its members, and lacking with many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation.contrasts import numbers
from crmlab.segmentation.people import income_of
from crmlab.stats import proportion, share_text

__all__ = ["Offer", "offers", "own_offer"]

_AGES = (30, 45, 60)  # years; four bands
_OFTENER = 1.25  # how much more there must be to win than with all customers for the second offer
_LEARNED_FROM = 20_000  # customers
_FEWEST = 20  # holders, and others, below which the share of all customers stands for everybody's chance
_USUAL = 0.05  # a family that fewer of like customers hold is no offer
# What may be offered, in words of up to 60 characters. A current account comes first of all; payment services and
# others are no offers of their own.
_TEXTS = {
    "current": "Current account as the account for every day",
    "savings": "Savings account with a standing order",
    "term_deposit": "Term deposit for money not needed at once",
    "investment": "Investment plan within the stated tolerance",
    "pension": "Pension plan",
    "card": "Credit card, after a check of what they can afford",
    "loan": "Consumer loan on own wish, after a check of income",
    "mortgage": "Talk about the home and its financing",
    "insurance": "Review of risks and insurance",
}
_TALK_FIRST = "Suitability talk first; then an investment plan"


@dataclass(frozen=True)
class Offer:
    """The family to offer a segment.

    Parameters
    ----------
    family : str
        Product family.
    text : str
        The offer in words.
    held_share : float
        Members who hold it, 0 to 1.
    like_share : float
        Holders among customers like the members without it, 0 to 1.
    open_share : float
        Members who hold none, each counted by that share: what is to win, 0 to 1.
    why : str
        The figures behind it.
    also, also_text : str
        Second family, which tells this segment from others: the one where most more is to win than with all customers;
        empty where there is none.
    """

    family: str
    text: str
    held_share: float
    like_share: float
    open_share: float
    why: str
    also: str = ""
    also_text: str = ""


def offers(seen: pd.DataFrame, code: np.ndarray, k: int, *, seed: int = 1) -> list[Offer | None]:
    """Choose the product family to offer each segment.

    Parameters
    ----------
    seen : DataFrame
        Snapshot: ``<family>_count``; ``age_years``, ``assets_amount``, an income, ``is_salary_credited``,
        ``frequency_12m_count``, ``logins_12m_count`` and ``risk_tolerance`` where known.
    code : ndarray of int
        Segment of each row, 0 to k - 1.
    k : int
        Number of segments.
    seed : int
        Of the customers learned from where there are more than 20,000.

    Returns
    -------
    list of Offer or None
        One a segment; None for groups under 10, and where no family is lacking with 10 members and held by 5 % of
        customers like them.

    Notes
    -----
    A logistic regression for each family, learned from all customers, says how many customers like a member hold it: of
    like age (four bands), wealth and income (fifths), salary credited, own bookings and logins (logarithm), and by the
    other families held. Members without the family are counted by this chance, and the family with the largest sum is
    offered. The second offer is the family whose sum is largest against that of all customers (1.25 times or more): it
    wins fewer, but tells the segment from others. The segment itself is not asked: many segments were made from
    holdings and would only repeat them.

    Why not the family in which a segment lags behind others of like age and wealth: who holds less of a family than
    such customers mostly does not want it. ``benchmarks/next_product.py`` counts how many members opened the family
    named within a year, as a share of those who opened the best one in hindsight. On two simulated banks of 3,000 and
    5,000 customers (segments by behaviour, needs and wealth) this rule reached 63 to 96 %, the most popular family 61
    to 80 %, the lagging one 19 to 61 %; the second offer was opened 1.6 to 2.3 times as often as by all customers. What
    is opened unasked is not what an offer adds: only a trial tells that.

    Suitability: an investment is no offer where most of the stated tolerances are C1 or C2; where most members have
    stated none (or the bank has no tolerances), a talk about it comes first.

    References
    ----------
    Knott, Hayes and Neslin (2002), Next-product-to-buy models, Journal of Interactive Marketing 16.

    Examples
    --------
    >>> seen = pd.DataFrame({"savings_count": [1, 0] * 20, "loan_count": [1] + [0] * 39})
    >>> offers(seen, np.zeros(40, dtype=int), 1)[0].why
    'savings: 50.0 % hold it (35.2 to 64.8), and 49.8 % of customers like the rest'
    """
    families = [name for name in _TEXTS if f"{name}_count" in seen]
    if not families or not len(seen):
        return [None] * k
    held = np.column_stack([numbers(seen[f"{name}_count"]) > 0 for name in families]).astype(float)
    room = (1 - held) * _chances(seen, held, seed)
    everywhere = room.mean(axis=0)
    found: list[Offer | None] = []
    for i in range(k):
        mine = code == i
        enough = mine.sum() >= SMALLEST_GROUP
        found.append(_chosen(families, held[mine], room[mine], everywhere, _tolerance(seen, mine)) if enough else None)
    return found


def own_offer(seen: pd.DataFrame, families: pd.Series, others: pd.Series) -> pd.Series:
    """Choose for each customer between the two families offered to his segment.

    Parameters
    ----------
    seen : DataFrame
        Snapshot.
    families, others : Series of str
        First and second family offered to the segment of each customer, empty for none; same index.

    Returns
    -------
    Series of str
        The offer in words; empty for who holds both, or whom neither suits. An investment is offered only to who stated
        a tolerance of C3 to C5; who stated none is offered the talk about it, a cautious customer is not.

    Examples
    --------
    >>> seen = pd.DataFrame({"savings_count": [1, 0], "pension_count": [0, 0]})
    >>> own_offer(seen, pd.Series(["savings"] * 2), pd.Series(["pension"] * 2)).tolist()
    ['Pension plan', 'Savings account with a standing order']
    """
    tolerance = seen.get("risk_tolerance", pd.Series(None, index=seen.index, dtype="str"))
    chosen = pd.Series("", index=seen.index, dtype="str")
    for offered in (families, others):
        for family in sorted(set(offered.dropna()) - {""}):
            held = seen[f"{family}_count"] > 0 if f"{family}_count" in seen else False
            free = (chosen == "") & (offered == family) & ~held
            if family == "investment":
                chosen = chosen.mask(free & tolerance.isna(), _TALK_FIRST)
                free &= tolerance.isin(["C3", "C4", "C5"])
            chosen = chosen.mask(free, _TEXTS[family])
    return chosen


def _chosen(
    families: list[str], held: np.ndarray, room: np.ndarray, everywhere: np.ndarray, suits: str
) -> Offer | None:
    lacking, open_share = (1 - held).sum(axis=0), room.mean(axis=0)
    like = room.sum(axis=0) / np.maximum(lacking, 1)
    fits = (lacking >= SMALLEST_GROUP) & (like >= _USUAL)
    if suits == "no" and "investment" in families:
        fits[families.index("investment")] = False
    if not fits.any():
        return None
    best = int(np.argmax(np.where(fits, open_share, -1.0)))
    ratio = open_share / np.maximum(everywhere, 1e-12)
    oftener = fits & (ratio >= _OFTENER) & (np.arange(len(families)) != best)
    also = int(np.argmax(np.where(oftener, ratio, -1.0))) if oftener.any() else None
    family, one = families[best], proportion(held[:, best].sum(), len(held))
    why = f"{family.replace('_', ' ')}: {share_text(one.value)} hold it ({one.interval.removesuffix(' %')}), and "
    why += f"{share_text(like[best])} of customers like the rest"
    return Offer(
        family,
        _text(family, suits),
        one.value,
        float(like[best]),
        float(open_share[best]),
        why,
        families[also] if also is not None else "",
        _text(families[also], suits) if also is not None else "",
    )


def _text(family: str, suits: str) -> str:
    return _TALK_FIRST if family == "investment" and suits != "yes" else _TEXTS[family]


def _chances(seen: pd.DataFrame, held: np.ndarray, seed: int) -> np.ndarray:
    """Estimate for each customer and family the share of holders among customers alike."""
    from sklearn.linear_model import LogisticRegression

    about = _about(seen)
    rows = np.arange(len(seen))
    if len(rows) > _LEARNED_FROM:
        rows = np.random.default_rng(seed).choice(rows, _LEARNED_FROM, replace=False)
    chances = np.repeat(held.mean(axis=0, keepdims=True), len(seen), axis=0)
    for j in range(held.shape[1]):
        known = held[rows, j]
        features = np.column_stack([about, np.delete(held, j, axis=1)])
        if features.shape[1] and min(known.sum(), len(known) - known.sum()) >= _FEWEST:
            model = LogisticRegression(max_iter=1_000).fit(features[rows], known)
            chances[:, j] = model.predict_proba(features)[:, 1]
    return chances


def _about(seen: pd.DataFrame) -> np.ndarray:
    """Describe customers by what offers may follow: bands and fifths as yes or no each, the rest in units near 1."""
    age = numbers(seen["age_years"]) if "age_years" in seen else np.full(len(seen), np.nan)
    parts = [_bands(age, _AGES)]
    for amounts in (seen.get("assets_amount"), income_of(seen)[0]):
        values = numbers(amounts) if amounts is not None else np.full(len(seen), np.nan)
        parts.append(_bands(values, _fifths(values)))
    usage = [name for name in ("is_salary_credited", "frequency_12m_count", "logins_12m_count") if name in seen]
    return np.column_stack([*parts, *(np.log1p(np.nan_to_num(numbers(seen[name]))) for name in usage)])


def _fifths(values: np.ndarray) -> np.ndarray:
    """Edges of the fifths; equal values stay together."""
    known = values[np.isfinite(values)]
    return np.unique(np.quantile(known, np.arange(1, 5) / 5)) if len(known) else np.array([])


def _place(values: np.ndarray, edges: Sequence[float] | np.ndarray) -> np.ndarray:
    """Number the band of each value from 0; -1 for a gap."""
    return np.where(np.isnan(values), -1, np.searchsorted(np.asarray(edges, dtype=float), values, side="right"))


def _bands(values: np.ndarray, edges: Sequence[float] | np.ndarray) -> np.ndarray:
    """Say for each value in which band it lies, as yes or no; a gap lies in none."""
    return (_place(values, edges)[:, None] == np.arange(len(edges) + 1)).astype(float)


def _tolerance(seen: pd.DataFrame, chosen: np.ndarray) -> str:
    """Say whether an investment suits a segment: yes, no, or not known for most."""
    stated = seen.loc[chosen, "risk_tolerance"].dropna() if "risk_tolerance" in seen else pd.Series(dtype="str")
    cautious = stated.isin(["C1", "C2"]).mean()
    if len(stated) >= SMALLEST_GROUP and cautious > 0.5:
        return "no"
    return "yes" if len(stated) > chosen.sum() / 2 else "not known"
