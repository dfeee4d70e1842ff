"""Suitability: customers who hold products riskier than the tolerance they stated, and those nobody asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.bank.tables import CONTRACT
from crmlab.errors import refuse
from crmlab.stats import Estimate, Evidence, bootstrap, count_text, proportion, proportions, share_text
from crmlab.stats.differences import holm

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["CLASSES", "GRADES", "RULE", "by_customer", "investments", "no_suitability", "riskier_by", "suitability"]

CLASSES = CONTRACT["customers"]["risk_tolerance"].words
GRADES = CONTRACT["products"]["risk_grade"].words
RULE: Mapping[str, str] = dict(zip(CLASSES, GRADES, strict=True))  # class -> riskiest grade that suits it
_FEW = f"Fewer than {SMALLEST_GROUP}"


def no_suitability(bank: Bank, *, families: Sequence[str] = ("investment",)) -> str:
    """Say why a bank's suitability cannot be judged; empty where it can.

    Parameters
    ----------
    bank : Bank
        As of a date.
    families : sequence of str
        Families of products for which a questionnaire is asked.
    """
    named = " and ".join(families)
    for needs, why in (
        (("accounts", "products"), "this bank has no accounts"),
        (("products.risk_grade",), "the products of this bank carry no risk grades"),
        (("customers.risk_tolerance",), "no customer had stated a risk tolerance by that day"),
    ):
        if not bank.has(*needs):
            return why
    return "" if len(investments(bank, families=families)) else f"nobody holds a product of family {named}"


def investments(
    bank: Bank, *, families: Sequence[str] = ("investment",), rule: Mapping[str, str] = RULE
) -> pd.DataFrame:
    """List the open accounts for which a questionnaire is asked, beside what their owner stated.

    Parameters
    ----------
    bank : Bank
        As of a date: an account is open that was opened by then and not closed, a tolerance is known from its
        questionnaire on.
    families : sequence of str
        Families of products for which a questionnaire is asked. A pension plan carries a grade but needs none, so it is
        not among them.
    rule : mapping of str to str
        Class ``C1`` to ``C5`` -> riskiest grade ``R1`` to ``R5`` that suits it.

    Returns
    -------
    DataFrame
        One row an account, by customer: ``customer_id``, ``account_id``, ``product_name``, ``family``, ``branch``,
        ``grade`` (missing where the product has none), ``tolerance`` (missing where not stated), ``assessed_on``,
        ``amount`` (currency at the last month end known, 0 or more; missing where that is not known), ``excess_count``
        (grades beyond the rule; 0 or below suits; missing without grade or tolerance).

    Notes
    -----
    The rule is the usual one of Chinese banks and brokers: C1 may hold R1, ... C5 may hold R5. It is a convention: the
    law asks for five classes and five grades or more, and that they are matched.

    References
    ----------
    China Securities Regulatory Commission, Measures for the Administration of the Suitability of Securities and Futures
    Investors (order 130, in force from July 2017); China Banking and Insurance Regulatory Commission, Measures for the
    Supervision and Administration of the Wealth Management Business of Commercial Banks (2018).
    """
    _check_rule(rule)
    here = {table: bank.columns(table) for table in ("customers", "accounts", "products")}

    def column(table: str, name: str) -> str:
        return f"{table}.{name}" if name in here[table] else "null"

    still = "" if "closed_on" not in here["accounts"] else " and accounts.closed_on is null"
    stays = "" if "left_on" not in here["customers"] else " and customers.left_on is null"
    worth, known = "cast(null as bigint)", ""
    if bank.has("balances"):
        worth = "case when held.balance_amount < 0 then 0 else held.balance_amount end"
        known = """left join balances held on held.account_id = accounts.account_id
            and held.balance_on = (select max(balance_on) from balances) and held.balance_on >= accounts.opened_on"""
    frame = bank.to_frame(
        bank.sql(f"""
            select accounts.customer_id, accounts.account_id,
                coalesce({column("products", "product_name")}, accounts.product_id) as product_name, products.family,
                cast({column("customers", "branch")} as varchar) as branch,
                cast({column("products", "risk_grade")} as varchar) as grade,
                cast({column("customers", "risk_tolerance")} as varchar) as tolerance,
                cast({column("customers", "risk_assessed_on")} as date) as assessed_on, {worth} as amount
            from accounts
            join products on products.product_id = accounts.product_id
            join customers on customers.customer_id = accounts.customer_id
            {known}
            where products.family in ({", ".join(f"'{family}'" for family in families)}){still}{stays}
            order by accounts.customer_id, accounts.account_id
        """)
    )
    most = frame["tolerance"].map({name: GRADES.index(grade) for name, grade in rule.items()}).astype(float)
    return frame.assign(
        assessed_on=pd.to_datetime(frame["assessed_on"]),
        excess_count=frame["grade"].map({name: place for place, name in enumerate(GRADES)}).astype(float) - most,
    )


def _check_rule(rule: Mapping[str, str]) -> None:
    wrong = [f"{name}: {grade}" for name, grade in rule.items() if name not in CLASSES or grade not in GRADES]
    lacking = [name for name in CLASSES if name not in rule]
    cure = f"Give each of {', '.join(CLASSES)} one of {', '.join(GRADES)}."
    refuse(
        *([f"rule: {', '.join(wrong)} is not a class with a grade. {cure}"] if wrong else []),
        *([f"rule: {', '.join(lacking)} has no grade. {cure}"] if lacking else []),
    )


def by_customer(held: pd.DataFrame) -> pd.DataFrame:
    """Sum up what `investments` listed.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, those with a graded product: ``grade`` (riskiest held), ``tolerance``,
        ``assessed_on``, ``excess_count`` (largest), ``amount`` (in graded products), ``riskier_amount`` (in what is
        riskier than stated).
    """
    graded = held[held["grade"].notna()]
    riskier = graded["amount"].where(graded["excess_count"] > 0, 0.0)
    parts = graded.assign(riskier_amount=riskier).groupby("customer_id")
    return parts.agg(
        grade=("grade", "max"),
        tolerance=("tolerance", "first"),
        assessed_on=("assessed_on", "first"),
        excess_count=("excess_count", "max"),
        amount=("amount", "sum"),
        riskier_amount=("riskier_amount", "sum"),
    )


def suitability(held: pd.DataFrame, *, day: object, currency: str, months: int = 24, seed: int = 1) -> Evidence:
    """Count the customers who hold more risk than they stated, and the money in it.

    Parameters
    ----------
    held : DataFrame
        What `investments` listed, one row or more.
    day : date or str
        Day of the view.
    currency : str
        Currency code.
    months : int
        A questionnaire older than so many months is stale, 1 or more.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        Frame, a row each class and grade held: ``tolerance``, ``grade`` (the riskiest held), ``customers_count``,
        ``share`` (of all who stated a tolerance) with Wilson limits, ``n``, ``is_riskier``, ``is_hidden``. Cells of 1
        to 9 customers are hidden: no numbers. No rows where fewer than 10 stated a tolerance. Estimates, shares of
        fewer than 10 and counts and amounts of 1 to 9 customers left out: ``unsuitable_share`` and ``unsuitable_count``
        (of those who stated one), ``unsuitable_amount`` and ``unsuitable_amount_share`` (of all money in graded
        products), ``no_tolerance_share`` and ``no_tolerance_count`` (of all who hold a graded product), ``stale_share``
        (of those who stated one).

    Notes
    -----
    A customer is riskier than stated when one of their products is. Who stated nothing is counted apart: nobody knows
    whether the products suit them. Who insisted after a written warning may lawfully hold more; the data do not say
    who did.

    Examples
    --------
    >>> held = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(40)], "grade": ["R2", "R4"] * 20,
    ...                      "tolerance": "C2", "assessed_on": pd.Timestamp("2024-01-31"), "amount": 100.0})
    >>> found = suitability(held.assign(excess_count=[0.0, 2.0] * 20), day="2024-12-31", currency="EUR")
    >>> found.title, found["unsuitable_amount"].short
    ('50.0 % of investors hold more risk than they stated', 'EUR 2,000')
    """
    refuse(*([] if months >= 1 else [f"months: {months} is no age. Give 1 or more."]))
    people = by_customer(held)
    stated = people[people["tolerance"].notna()]
    riskier = stated["excess_count"] > 0
    stale = stated["assessed_on"] < pd.Timestamp(day) - pd.DateOffset(months=months)
    counts = {
        "unsuitable": (int(riskier.sum()), len(stated)),
        "no_tolerance": (len(people) - len(stated), len(people)),
        "stale": (int(stale.sum()), len(stated)),
    }
    found: dict[str, Estimate] = {}
    for name, (count, n) in counts.items():
        if n < SMALLEST_GROUP:
            continue
        found[f"{name}_share"] = proportion(count, n)
        if name != "stale" and not 0 < count < SMALLEST_GROUP:
            found[f"{name}_count"] = Estimate(float(count), "count")
        if name == "unsuitable" and count >= SMALLEST_GROUP and people["amount"].sum() > 0:
            both = people[["riskier_amount", "amount"]].to_numpy()
            found["unsuitable_amount"] = Estimate(float(both[:, 0].sum()), currency)
            found["unsuitable_amount_share"] = bootstrap(_ratio, both, unit="share", seed=seed)
    return Evidence(
        _matrix(stated) if len(stated) >= SMALLEST_GROUP else _matrix(stated).head(0),
        title=_title(found, counts),
        about=f"Customers by the class they stated and the riskiest grade they hold, number and % of "
        f"{count_text(len(stated))} who stated one; few: under {SMALLEST_GROUP}, not shown",
        reading=" ".join(_sentences(found, counts, stated, held, currency, months)),
        estimates=found,
    )


def _ratio(rows: np.ndarray, weights: np.ndarray) -> float:
    part, whole = weights @ rows
    return part / whole if whole > 0 else float("nan")


def _matrix(stated: pd.DataFrame) -> pd.DataFrame:
    grades = [grade for grade in GRADES if (stated["grade"] == grade).any()]
    cells = pd.MultiIndex.from_product([CLASSES, grades], names=["tolerance", "grade"])
    parts = stated.groupby(["tolerance", "grade"])["excess_count"].agg(["size", "max"]).reindex(cells)
    counts = parts["size"].fillna(0).astype(int)
    hidden = (counts > 0) & (counts < SMALLEST_GROUP)
    if hidden.sum() == 1:  # one blank alone could be reckoned from the total, so the next smallest goes with it
        hidden[counts[(counts > 0) & ~hidden].sort_values(kind="stable").index[:1]] = True
    shares = proportions(counts, len(stated))
    frame = pd.concat([counts.rename("customers_count").astype(float), shares], axis=1)
    for column in ("customers_count", "share", "share_low", "share_high"):
        frame[column] = frame[column].mask(hidden)
    return frame.assign(is_riskier=(parts["max"] > 0), is_hidden=hidden).reset_index()


def _title(found: dict[str, Estimate], counts: dict[str, tuple[int, int]]) -> str:
    if counts["unsuitable"][1] < SMALLEST_GROUP:
        return f"{_FEW} investors stated a tolerance"
    if not counts["unsuitable"][0]:
        return "No investor holds more risk than they stated"
    return f"{found['unsuitable_share'].short} of investors hold more risk than they stated"


def _sentences(
    found: dict[str, Estimate],
    counts: dict[str, tuple[int, int]],
    stated: pd.DataFrame,
    held: pd.DataFrame,
    currency: str,
    months: int,
) -> list[str]:
    (riskier, asked), (silent, everybody) = counts["unsuitable"], counts["no_tolerance"]
    said = []
    if "unsuitable_share" not in found:
        said.append(f"{_title(found, counts)}.")
    elif not riskier:
        said.append(f"None of {count_text(asked)} investors with a stated tolerance holds more risk than that.")
    else:
        who = count_text(riskier) if riskier >= SMALLEST_GROUP else _FEW
        share = found["unsuitable_share"].text
        said.append(f"{who} investors hold more risk than they stated, {share}, {_steps(stated)}.")
    if "unsuitable_amount" in found:
        part = found["unsuitable_amount_share"]
        said.append(f"{found['unsuitable_amount'].short} is in products too risky for them, {part.short} "
                    f"({part.interval}) of the money in graded products.")  # fmt: skip
    elif "unsuitable_count" in found and riskier and not held["amount"].notna().any():
        said.append("The money in it is not known: there are no balances.")
    if silent:
        who = count_text(silent) if silent >= SMALLEST_GROUP else _FEW
        share = found["no_tolerance_share"].text if "no_tolerance_share" in found else ""
        said.append(
            f"{who} investors, {share}, never stated a tolerance: nobody knows what suits them."
            if share
            else f"{who} investors never stated a tolerance: nobody knows what suits them."
        )
    elif everybody >= SMALLEST_GROUP:
        said.append("Every investor stated a tolerance.")
    if "stale_share" in found:
        said.append(f"{found['stale_share'].text} of the questionnaires are older than {months} months.")
    bare = held.loc[held["grade"].isna(), "customer_id"].nunique()
    if bare:
        who = count_text(bare) if bare >= SMALLEST_GROUP else _FEW.lower()
        said.append(f"Products without a risk grade, held by {who} customers, are not judged.")
    return said


def _steps(stated: pd.DataFrame) -> str:
    """Say by how many grades, without pointing at fewer than 10."""
    far, riskier = int((stated["excess_count"] > 1).sum()), int((stated["excess_count"] > 0).sum())
    if min(far, riskier - far) >= SMALLEST_GROUP:
        return f"{count_text(riskier - far)} by one grade, {count_text(far)} by two or more"
    if not far:
        return "all by one grade"
    return f"most of them by {'one grade' if far < riskier / 2 else 'two grades or more'}"


def riskier_by(held: pd.DataFrame, by: str, *, what: str = "") -> Evidence:
    """Compare groups by the share of their investors who hold something riskier than they stated.

    Parameters
    ----------
    held : DataFrame
        What `investments` listed.
    by : str
        ``product_name`` (is that product too risky for its holder?), ``branch``, or another column.
    what : str
        What a group is called; `by` in words when empty.

    Returns
    -------
    Evidence
        Frame, the largest share first: a column called `what` (group), ``share`` with Wilson limits, ``n`` (holders who
        stated a tolerance), ``p_value`` (Fisher's exact test against who is not in the group, by Holm for all groups
        shown).
        Groups with fewer than 10 holders are left out and counted in the reading.

    Notes
    -----
    The highest of many groups is high by chance too, so the reading names only those that the test tells apart. Whoever
    holds several products counts once in each.

    Examples
    --------
    >>> held = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(20)], "branch": ["North", "South"] * 10,
    ...                      "excess_count": [1.0, 0.0] * 10})
    >>> found = riskier_by(held, "branch")
    >>> found.frame[["branch", "share"]].values.tolist(), found.title
    ([['North', 1.0], ['South', 0.0]], 'More often too risky: North, 100.0 %')
    """
    what = what or by.removesuffix("_name").replace("_", " ")
    judged = held[held["excess_count"].notna() & held[by].notna()]
    each = judged.groupby([by, "customer_id"])["excess_count"].max() > 0
    counts = each.groupby(level=0).agg(["sum", "size"])
    shown = counts[counts["size"] >= SMALLEST_GROUP]
    whole = judged.groupby("customer_id")["excess_count"].max() > 0
    p_values = []
    for name in shown.index:  # against who is not in the group at all, so that nobody is on both sides
        mine, rest = each[name], whole[~whole.index.isin(each[name].index)]
        table = [[mine.sum(), (~mine).sum()], [rest.sum(), (~rest).sum()]]
        p_values.append(fisher_exact(table).pvalue if len(rest) else np.nan)
    frame = proportions(shown["sum"], shown["size"]).assign(p_value=holm(p_values)).rename_axis(what)
    frame = frame.sort_values("share", ascending=False, kind="stable").reset_index()
    left = f"{count_text(len(counts) - len(shown))} with fewer than {SMALLEST_GROUP} are left out."
    about = (
        f"Investors for whom something they hold is riskier than they stated, % of those who stated a tolerance, by "
        f"{what}; Wilson 95 % interval"
    )
    if not len(frame):
        few = f"No {what} has {SMALLEST_GROUP} investors who stated a tolerance"
        return Evidence(frame, few, about, f"{few}.")
    above = frame[(frame["p_value"] < 0.05) & (frame["share"] > whole.mean())]
    title = f"No {what} stands out for sure" if len(frame) > 1 else f"Only one {what} can be looked at"
    low, high = (share_text(frame["share"].agg(end)) for end in ("min", "max"))
    groups = what if len(frame) == 1 else _plural(what)
    said = f"{title}: the shares lie between {low} and {high} ({len(frame)} {groups})."
    if len(above):
        top = above.iloc[0]
        title = f"More often too risky: {top[what]}, {share_text(top['share'])}"
        limits = f"{100 * top['share_low']:.1f} to {share_text(top['share_high'])}"
        said = f"{title} ({limits}) of {count_text(top['n'])} investors, sure among {len(frame)} looked at."
    return Evidence(frame, title, about, f"{said} {left}" if len(counts) > len(shown) else said)


def _plural(what: str) -> str:
    return f"{what}es" if what.endswith(("s", "ch", "sh", "x")) else f"{what}s"
