"""Customers by wealth: tiers by assets and by income, concentration, what tiers hold and yield."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.bank.tables import FAMILIES
from crmlab.errors import refuse
from crmlab.segmentation.migration import hide_small_starts
from crmlab.segmentation.people import income_of
from crmlab.segmentation.tiers import Tiering
from crmlab.stats import (
    Estimate,
    Evidence,
    amount_text,
    bootstrap,
    concentration,
    count_text,
    median,
    proportion,
    proportions,
    share_text,
    transitions,
)

__all__ = [
    "TIER_COLUMNS",
    "asset_mix",
    "asset_tiers",
    "concentration_of_assets",
    "income_against_assets",
    "shares_by_tier",
    "tier_holdings",
    "tier_yields",
]

# columns of `asset_tiers` for a table
TIER_COLUMNS = ["tier", "rule", "customers_count", "customers_share", "assets_share", "median_assets"]
_ASSETS = ("current", "savings", "term_deposit", "investment", "pension")


def asset_tiers(seen: pd.DataFrame, rule: Tiering) -> Evidence:
    """Describe the tiers by assets: who is in them and what they hold of everything.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount``; ``debt_amount`` and ``margin_12m_amount`` where known.
    rule : Tiering
        The tiers.

    Returns
    -------
    Evidence
        Frame, one row a tier: ``tier``, ``rule``, ``customers_count``, ``customers_share`` with Wilson limits,
        ``assets_share``, ``median_assets`` (an Estimate), and ``debt_share``, ``margin_share`` where known. Empty where
        no tier has 10 customers, as everywhere in this module.
    """
    tier = rule.of(seen["assets_amount"])
    ends = _ends(tier, rule)
    if not ends:
        return _too_few("what each tier holds")
    total = {c: seen[c].sum() for c in ("assets_amount", "debt_amount", "margin_12m_amount") if c in seen}
    rows = []
    for name in rule.names:
        part = seen[tier == name]
        size, middle = proportion(len(part), int(tier.notna().sum())), median(part["assets_amount"], unit=rule.currency)
        row = {"tier": name, "rule": rule.rules[name], "customers_count": len(part), "customers_share": size.value}
        row |= {"customers_share_low": size.low, "customers_share_high": size.high}
        row |= {"median_assets": middle}
        for column, whole in total.items():
            row[column.split("_")[0] + "_share"] = part[column].sum() / whole if whole else np.nan
        rows.append(row)
    frame = pd.DataFrame(rows)
    low, top = (frame[frame["tier"] == name].iloc[0] for name in ends)
    return Evidence(
        frame,
        title=f"The {top['tier']} tier: {share_text(top['customers_share'])} of customers,"
        f" {share_text(top['assets_share'])} of assets",
        about=f"Share of each tier, %; {count_text(len(seen))} customers with "
        f"{amount_text(total['assets_amount'], rule.currency)}; full count",
        reading=f"The {top['tier']} tier ({top['rule']}) is {share_text(top['customers_share'])} of customers and "
        f"holds {share_text(top['assets_share'])} of all assets; the {low['tier']} tier ({low['rule']}) is "
        f"{share_text(low['customers_share'])} and holds {share_text(low['assets_share'])}.",
        estimates={"assets_total": Estimate(float(total["assets_amount"]), unit=rule.currency, n=len(seen))},
    )


def shares_by_tier(table: pd.DataFrame) -> pd.DataFrame:
    """Turn the table of `asset_tiers` into one row a quantity and tier: ``quantity``, ``tier``, ``share``.

    Tiers under 10 are left out.
    """
    names = {"customers_share": "customers", "assets_share": "assets", "debt_share": "debt", "margin_share": "margin"}
    table = table[table["customers_count"] >= SMALLEST_GROUP]
    here = [column for column in names if column in table and table[column].notna().any()]
    long = table.melt("tier", value_vars=here, var_name="quantity", value_name="share")
    return long.assign(quantity=long["quantity"].map(names))


def concentration_of_assets(seen: pd.DataFrame, *, seed: int = 1) -> Evidence:
    """Measure how concentrated assets are.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount`` (0 or more; customers without assets count).
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        Frame: the Lorenz curve with limits. Estimates: ``gini_assets``, ``top_1_share``, ``top_10_share``,
        ``no_assets_share``.
    """
    known = int(seen["assets_amount"].notna().sum())
    if known < SMALLEST_GROUP:
        return _too_few("how assets are spread")
    found = concentration(seen["assets_amount"], seed=seed)
    none = proportion(round(found.none_share * known) if known else 0, known)
    top = found.top[0.1]
    return Evidence(
        found.curve,
        title=f"The richest 10 % hold {top.short} of assets; Gini {found.gini.short}",
        about=f"Share of all assets held by the poorest x % of {count_text(known)} customers; "
        "band: 95 % bootstrap interval",
        reading=f"The richest 10 % of customers hold {top.text} of all assets, the richest 1 % {found.top[0.01].text}. "
        f"The Gini coefficient is {found.gini.text}. {none.text} hold nothing.",
        estimates={
            "top_10_share": top,
            "top_1_share": found.top[0.01],
            "gini_assets": found.gini,
            "no_assets_share": none,
        },
    )


def tier_holdings(seen: pd.DataFrame, rule: Tiering) -> Evidence:
    """Count who holds each product family, by tier.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount`` and ``<family>_count``.
    rule : Tiering
        The tiers.

    Returns
    -------
    Evidence
        Frame: ``family``, ``tier``, ``customers_count``, ``share`` with Wilson limits, ``n``; shares of tiers under 10
        are missing. Families nobody holds are left out; the widest differences come first.
    """
    tier = rule.of(seen["assets_amount"])
    ends = _ends(tier, rule)
    if not ends:
        return _too_few("what the tiers hold")
    parts = []
    for family in FAMILIES:
        column = f"{family}_count"
        if column not in seen or not (seen[column] > 0).any():
            continue
        has = (seen[column] > 0).groupby(tier).agg(["sum", "size"]).reindex(rule.names, fill_value=0)
        part = pd.concat([has["sum"].rename("customers_count"), proportions(has["sum"], has["size"])], axis=1)
        part = part.rename_axis("tier").reset_index()
        parts.append(part.assign(family=family.replace("_", " ")))
    if not parts:
        refuse(
            "tier_holdings: the snapshot has no column of product families. Take a snapshot with accounts and products."
        )
    frame = pd.concat(parts, ignore_index=True)[
        ["family", "tier", "customers_count", "share", "share_low", "share_high", "n"]
    ]
    few = frame["n"] < SMALLEST_GROUP
    frame[["share", "share_low", "share_high"]] = frame[["share", "share_low", "share_high"]].mask(few)
    low, top = ends
    wide = frame.pivot(index="family", columns="tier", values="share")
    gap = (wide[top] - wide[low]).abs().sort_values(ascending=False, kind="stable")
    frame = frame.set_index("family").loc[gap.index.tolist()].reset_index()
    widest = gap.index[0]
    of_low, of_top = (share_text(wide.loc[widest, name]) for name in ends)
    return Evidence(
        frame,
        title=f"{widest.capitalize()}: held by {of_top} of the {top} tier, {of_low} of the {low} tier",
        about=f"Customers with at least one open product of the family, % of the tier; {count_text(len(seen))} "
        "customers; Wilson 95 % interval",
        reading=f"The tiers differ most in {widest}: {of_top} of the {top} tier hold it, {of_low} of the {low} tier.",
    )


def asset_mix(seen: pd.DataFrame, rule: Tiering) -> Evidence:
    """Split the assets of each tier by product family.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount`` and ``<family>_amount``; overdrafts count as 0.
    rule : Tiering
        The tiers.

    Returns
    -------
    Evidence
        Frame: ``tier``, ``family``, ``amount``, ``share`` of the tier's assets.
    """
    tier = rule.of(seen["assets_amount"])
    families = [f for f in _ASSETS if f"{f}_amount" in seen and (seen[f"{f}_amount"] > 0).any()]
    amounts = (
        seen[[f"{f}_amount" for f in families]].clip(lower=0).groupby(tier).sum().reindex(rule.names, fill_value=0.0)
    )
    amounts.columns = [f.replace("_", " ") for f in families]
    long = amounts.rename_axis("tier").reset_index().melt("tier", var_name="family", value_name="amount")
    ends = _ends(tier, rule)
    if long.empty or not ends:
        return _too_few("in what the tiers keep their assets")
    whole = long.groupby("tier")["amount"].transform("sum")
    frame = long.assign(share=long["amount"] / whole.where(whole > 0))
    top = frame[frame["tier"] == ends[1]].sort_values("share", ascending=False, kind="stable").iloc[0]
    return Evidence(
        frame,
        title=f"The {ends[1]} tier keeps {share_text(top['share'])} of its assets in {top['family']}",
        about=f"Assets of the tier by product family, %; {count_text(len(seen))} customers; full count",
        reading=f"The {ends[1]} tier keeps {share_text(top['share'])} of its assets in {top['family']}; "
        f"{len(families)} {'families hold' if len(families) != 1 else 'family holds'} assets.",
    )


def tier_yields(seen: pd.DataFrame, rule: Tiering, *, seed: int = 1) -> Evidence:
    """Estimate what a customer of each tier yields in 12 months.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount`` and ``margin_12m_amount``.
    rule : Tiering
        The tiers.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        Frame: ``tier``, ``customers_count``, ``yield_amount`` (mean a customer), ``yield_low_amount``,
        ``yield_high_amount``, ``total_amount``, ``total_share``; tiers under 10 have no amounts. Estimates:
        ``yield_<tier>``.
    """
    tier = rule.of(seen["assets_amount"])
    ends = _ends(tier[seen["margin_12m_amount"].notna()], rule)
    if not ends:
        return _too_few("what a tier yields")
    total = seen["margin_12m_amount"].sum()
    rows, estimates = [], {}
    for name in rule.names:
        margin = seen.loc[tier == name, "margin_12m_amount"].dropna()
        if len(margin) < SMALLEST_GROUP:
            rows.append((name, len(margin), *[np.nan] * 5))
            continue
        mean = bootstrap(lambda v, w: np.average(v, weights=w), margin, unit=rule.currency, seed=seed)
        estimates[f"yield_{name}"] = mean
        rows.append((name, len(margin), mean.value, mean.low, mean.high, margin.sum(), margin.sum() / total))
    names = ["tier", "customers_count", "yield_amount", "yield_low_amount", "yield_high_amount", "total_amount"]
    frame = pd.DataFrame(rows, columns=[*names, "total_share"])
    low, top = ends
    first, last = (estimates[f"yield_{name}"] for name in ends)
    brings = share_text(frame.set_index("tier").loc[top, "total_share"])
    return Evidence(
        frame,
        title=f"A customer of the {top} tier yields {last.short}, of the {low} tier {first.short}",
        about=f"Margin and fees of the last 12 months, {rule.currency} a customer; {count_text(len(seen))} customers; "
        "95 % bootstrap interval",
        reading=f"A customer of the {top} tier yielded {last.text} in 12 months, one of the {low} tier {first.text}. "
        f"The {top} tier brings {brings} of {amount_text(total, rule.currency)}.",
        estimates=estimates,
    )


def income_against_assets(seen: pd.DataFrame, assets_rule: Tiering, income_rule: Tiering) -> Evidence:
    """Cross the tiers by income with the tiers by assets held here.

    Parameters
    ----------
    seen : DataFrame
        Snapshot; customers whose income is not known are left out and counted.
    assets_rule, income_rule : Tiering
        The two rules; both may have different numbers of tiers.

    Returns
    -------
    Evidence
        Frame as `crmlab.stats.transitions`: from the income tier to the asset tier. Estimates: ``mismatch_share``, the
        share of the highest income tier that is in the lowest asset tier.
    """
    income, source = income_of(seen)
    by_income, by_assets = income_rule.of(income), assets_rule.of(seen["assets_amount"])
    known = by_income.notna() & by_assets.notna()
    order = list(dict.fromkeys([*income_rule.names, *assets_rule.names]))
    frame = hide_small_starts(transitions(by_income[known], by_assets[known], order=order))
    frame = frame[frame["from"].isin(income_rule.names) & frame["to"].isin(assets_rule.names)].reset_index(drop=True)
    rich = by_income[known] == income_rule.names[-1]
    poor_here = by_assets[known] == assets_rule.names[0]
    if rich.sum() < SMALLEST_GROUP:
        return _too_few("whether assets follow income")
    share = proportion(int((rich & poor_here).sum()), int(rich.sum()))
    return Evidence(
        frame,
        title=f"{share.short} of the top income tier hold only {assets_rule.names[0]} assets here",
        about=f"Asset tier of {count_text(known.sum())} customers, % of the income tier ({source}); "
        "Wilson 95 % interval",
        reading=f"{share.text} of the highest income tier ({income_rule.rules[income_rule.names[-1]]} a month) are in "
        f"the lowest asset tier ({assets_rule.rules[assets_rule.names[0]]}). Income of {count_text((~known).sum())} of "
        f"{count_text(len(seen))} customers is not known.",
        estimates={"mismatch_share": share},
    )


def _ends(tier: pd.Series, rule: Tiering) -> tuple[str, str] | None:
    """Name the lowest and the highest tier of at least 10 customers: what is said of fewer would point at persons."""
    sizes = tier.value_counts()
    large = [name for name in rule.names if sizes.get(name, 0) >= SMALLEST_GROUP]
    return (large[0], large[-1]) if large else None


def _too_few(what: str) -> Evidence:
    """Evidence with an empty frame."""
    title = f"Too few customers to say {what}"
    return Evidence(pd.DataFrame(), title, "", f"{title}: groups under {SMALLEST_GROUP} are not shown.")
