"""What comments are about: counts of themes, and the scores of those who mention them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.stats.differences import holm
from crmlab.stats.estimate import Estimate, share_text
from crmlab.stats.evidence import Evidence
from crmlab.stats.intervals import proportions

__all__ = ["check_coding", "theme_counts", "theme_lift"]

_FEWEST_MENTIONS = 10


def theme_counts(coded: pd.DataFrame, *, customers: pd.Series | None = None, level: float = 0.95) -> Evidence:
    """Count how many mention each theme.

    Parameters
    ----------
    coded : DataFrame
        One row a comment, one column a theme, True or False, as from `code_comments`.
    customers : Series, optional
        Who wrote each comment, in the same order; then customers are counted, each once a theme.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        ``frame``: one row a theme, most mentioned first: ``theme``, ``count``, ``share`` (of all who commented, 0 to
        1), ``share_low``, ``share_high``, ``n``. ``estimates``: ``uncoded_share`` (without any theme), and ``share_``
        with the name of each theme. Shares sum to more than 1 where comments have several themes.

    Notes
    -----
    Who comments is not who answers: the shares are of those who wrote, Wilson's interval.

    Examples
    --------
    >>> coded = pd.DataFrame({"fees": [True, True, False, False], "staff": [False, True, False, False]})
    >>> theme_counts(coded).frame[["theme", "count", "share"]].values.tolist()
    [['fees', 2, 0.5], ['staff', 1, 0.25]]
    """
    check_coding(coded, customers=customers)
    flags = coded.reset_index(drop=True).astype(bool)
    who = "comments"
    if customers is not None:
        flags, who = flags.groupby(pd.factorize(customers)[0]).any(), "customers"
    n = len(flags)
    table = proportions(flags.sum(), n, level=level).rename_axis("theme").reset_index()
    table.insert(1, "count", flags.sum().to_numpy())
    table = table.sort_values("count", ascending=False, kind="stable", ignore_index=True)
    estimates = {
        f"share_{row['theme']}": Estimate(
            row["share"], "share", row["share_low"], row["share_high"], n, "Wilson", level
        )
        for row in table.to_dict("records")
    }
    none = proportions([int((~flags.any(axis=1)).sum())], n, level=level).iloc[0]
    estimates["uncoded_share"] = Estimate(
        none["share"], "share", none["share_low"], none["share_high"], n, "Wilson", level
    )
    top = table.iloc[0]
    title = f"{top['theme']} comes up most: {share_text(top['share'])} of {who} who wrote"
    about = f"Share of {who} with a comment on the theme, {100 * level:g} % Wilson interval, n = {n:,}"
    reading = (
        f"{top['theme']} is mentioned by {estimates['share_' + top['theme']].text}; "
        f"{estimates['uncoded_share'].short} of the {who} have no theme of the codebook."
    )
    return Evidence(table, title[:70], about, reading, estimates)


def theme_lift(
    coded: pd.DataFrame, scores: pd.Series, *, customers: pd.Series | None = None, level: float = 0.95
) -> Evidence:
    """Compare the scores of those who mention a theme with the scores of those who do not.

    Parameters
    ----------
    coded : DataFrame
        One row a comment, one column a theme, True or False.
    scores : Series of float
        Score of the same response, in the same order; comments without a score are left out.
    customers : Series, optional
        Who wrote each comment; comments of one customer then count as one draw.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        ``frame``: one row a theme, lowest lift first: ``theme``, ``mean_with``, ``mean_without``, ``lift`` (with less
        without, in points of the score), ``lift_low``, ``lift_high``, ``p_value`` (Holm over the themes), ``is_clear``,
        ``n_with``, ``n``. Below 10 with or without, no interval and no test. ``estimates``: ``lift_`` with each theme.

    Notes
    -----
    Welch's interval; with `customers`, terms of one customer are summed before they are squared. A low score beside a
    theme says that the theme comes with low scores, not that mending it would lift them. The intervals are not widened
    for the number of themes; `is_clear` goes by Holm's p-values.

    References
    ----------
    Welch (1938), Biometrika 29; Liang and Zeger (1986), Biometrika 73.

    Examples
    --------
    >>> coded = pd.DataFrame({"fees": [True] * 12 + [False] * 12})
    >>> scores = pd.Series([2.0, 3, 4] * 4 + [7.0, 8, 9] * 4)
    >>> theme_lift(coded, scores).frame[["lift", "is_clear"]].values.tolist()
    [[-5.0, True]]
    """
    check_coding(coded, customers=customers, scores=scores)
    values = scores.to_numpy(dtype=float)
    there = np.isfinite(values)
    values = values[there]
    group = np.arange(len(values)) if customers is None else pd.factorize(customers.to_numpy()[there])[0]
    flags = coded.to_numpy(dtype=bool)[there]
    rows = [
        {"theme": theme, **_lift(flags[:, place], values, group, level)} for place, theme in enumerate(coded.columns)
    ]
    table = pd.DataFrame(rows).assign(n=len(values))
    table["p_value"] = holm(table["p_value"])
    table["is_clear"] = table["p_value"] < 1 - level
    table = table.sort_values("lift", kind="stable", ignore_index=True)
    method = "Welch, customers as clusters" if customers is not None else "Welch"
    estimates = {}
    for row in table.to_dict("records"):
        limits = [None if math.isnan(row[name]) else row[name] for name in ("lift_low", "lift_high")]
        estimates[f"lift_{row['theme']}"] = Estimate(row["lift"], "points", *limits, row["n_with"], method, level)
    clear = table.loc[table["is_clear"]]
    if clear.empty:
        title, reading = "No theme goes with clearly other scores", "After Holm's correction no theme is clear."
    else:
        strongest = clear.loc[clear["lift"].abs().idxmax()]
        how = "lower" if strongest["lift"] < 0 else "higher"
        title = f"{strongest['theme']} goes with scores {abs(strongest['lift']):.1f} points {how}"
        reading = (
            f"Who mentions {strongest['theme']} scores {estimates['lift_' + strongest['theme']].text} against the "
            f"others; {len(clear)} of {len(table)} themes are clear (Holm). What comes with a score need not cause it."
        )
    about = f"Mean score with the theme less without, {100 * level:g} % {method} interval, n = {len(values):,} comments"
    return Evidence(table, title[:70], about, reading, estimates)


def _lift(has: np.ndarray, values: np.ndarray, group: np.ndarray, level: float) -> dict[str, float]:
    parts = [values[has], values[~has]]
    means = [part.mean() if len(part) else math.nan for part in parts]
    found = {
        "mean_with": means[0], "mean_without": means[1], "lift": means[0] - means[1], "lift_low": math.nan,
        "lift_high": math.nan, "p_value": math.nan, "n_with": int(has.sum()),
    }  # fmt: skip
    if min(len(part) for part in parts) < _FEWEST_MENTIONS:
        return found
    # each comment's part in the difference, so scaled that without clusters the variance is Welch's
    sizes = np.where(has, len(parts[0]), len(parts[1]))
    terms = np.where(has, 1.0, -1.0) * (values - np.where(has, *means)) / np.sqrt(sizes * (sizes - 1.0))
    summed = np.bincount(group, weights=terms)
    error = math.sqrt((summed**2).sum())
    if error == 0:
        return found
    spread = [part.var(ddof=1) / len(part) for part in parts]
    free = sum(spread) ** 2 / sum(one**2 / (len(part) - 1) for one, part in zip(spread, parts, strict=True))
    reach = laws.t.ppf((1 + level) / 2, free) * error
    lift = found["lift"]
    p_value = float(2 * laws.t.sf(abs(lift) / error, free))
    return found | {"lift_low": lift - reach, "lift_high": lift + reach, "p_value": p_value}


def check_coding(coded: pd.DataFrame, **others: pd.Series | None) -> None:
    """Refuse a coding that is not one, and what does not stand beside it row by row."""
    problems = []
    if coded.empty:
        problems.append("themes: no comment or no theme. Give at least one of both.")
    values = pd.unique(coded.to_numpy(dtype=object).ravel())
    if wrong := [value for value in values if pd.isna(value) or value not in (0, 1)]:
        problems.append(f"themes: the coding holds {wrong[0]!r}. Write True or False; gaps are no answer here.")
    for name, other in others.items():
        if other is not None and len(other) != len(coded):
            problems.append(
                f"themes: {len(other):,} {name} for {len(coded):,} comments. Give one a comment, in one order."
            )
        elif name == "customers" and other is not None and other.isna().any():
            problems.append("themes: some comments have no customer. Leave them out, and count them.")
    refuse(*problems)
