"""Who the customers are: age, gender, tenure, region, channel they came by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.stats import Evidence, count_text, median, proportion, proportions, share_text

__all__ = ["age_profile", "group_shares", "tenure_profile"]

_AGES = (0, 18, 25, 35, 45, 55, 65, 75, 200)
_AGE_BANDS = ("under 18", "18 to 24", "25 to 34", "35 to 44", "45 to 54", "55 to 64", "65 to 74", "75 and over")
_TENURES = (0, 1, 2, 3, 5, 10, 1000)
_TENURE_BANDS = ("under 1", "1", "2", "3 to 4", "5 to 9", "10 and over")
_GENDERS = {"female": "women", "male": "men"}
_DAYS_A_YEAR = 365.25


def age_profile(seen: pd.DataFrame) -> Evidence:
    """Count customers by age band and gender.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``age_years`` and ``gender``; customers without one of them are left out and counted.

    Returns
    -------
    Evidence
        Frame: ``band``, ``gender`` (women, men), ``customers_count``, ``share`` of all women and men known.
        Estimates: ``age_median``, ``women_share``, ``over_65_share``.
    """
    known = seen.dropna(subset=["age_years", "gender"])
    known = known[known["gender"].isin(list(_GENDERS))]
    band = pd.cut(known["age_years"], _AGES, right=False, labels=_AGE_BANDS)
    counts = pd.crosstab(band, known["gender"].map(_GENDERS), dropna=False)
    counts = counts.reindex(index=list(_AGE_BANDS), columns=list(_GENDERS.values()), fill_value=0)
    counts = counts[counts.sum(axis=1).cumsum() > 0] if len(known) else counts
    frame = counts.rename_axis("band").reset_index().melt("band", var_name="gender", value_name="customers_count")
    frame = frame.assign(band=frame["band"].astype("str"), share=frame["customers_count"] / max(len(known), 1))
    ages = median(seen["age_years"], unit="years old")
    women = proportion((known["gender"] == "female").sum(), len(known))
    with_age = seen["age_years"].dropna()
    old = proportion((with_age >= 65).sum(), len(with_age))
    unknown = len(seen) - len(known)
    return Evidence(
        frame,
        title=f"Half of the customers are {ages.value:.0f} or older; {share_text(old.value)} are 65 or more",
        about=f"Share of {count_text(len(known))} customers with known age and gender, %; full count",
        reading=f"The median customer is {ages.text}. {old.text} are 65 or older, and {women.text} are women."
        + (f" Age or gender of {count_text(unknown)} customers is not known." if unknown else ""),
        estimates={"age_median": ages, "women_share": women, "over_65_share": old},
    )


def tenure_profile(seen: pd.DataFrame) -> Evidence:
    """Count customers by whole years since they joined.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``tenure_days``.

    Returns
    -------
    Evidence
        Frame: ``band`` (years), ``customers_count``, ``share`` with limits, ``n``. Estimates: ``tenure_median`` (days),
        ``new_share`` (joined within a year). Where everybody has the same first day, such as the day of a survey that
        does not ask for it, nothing is known: the frame is empty.
    """
    years = seen["tenure_days"].dropna() / _DAYS_A_YEAR
    if len(years) > 1 and years.nunique() == 1:
        said = "All customers have the same first day, so how long they have been here is not known."
        return Evidence(pd.DataFrame(), "How long customers have been here is not known", "", said)
    band = pd.cut(years, _TENURES, right=False, labels=_TENURE_BANDS)
    counts = band.value_counts().reindex(_TENURE_BANDS, fill_value=0).rename("customers_count")
    counts.index = counts.index.astype("str")
    frame = pd.concat([counts, proportions(counts, len(years))], axis=1).rename_axis("band").reset_index()
    tenure = median(years, unit="years")
    new = proportion((years < 1).sum(), len(years))
    return Evidence(
        frame,
        title=f"Half have been here for {tenure.short} or more; {new.short} for under one",
        about=f"Share of {count_text(len(years))} customers by whole years since joining, %; Wilson 95 % interval",
        reading=f"The median customer joined {tenure.text} ago. {new.text} joined within the last year.",
        estimates={"new_share": new, "tenure_median": tenure},
    )


def group_shares(seen: pd.DataFrame, columns: Sequence[str], *, top: int = 5) -> Evidence:
    """Count customers by the words of several columns, the largest groups first.

    Parameters
    ----------
    seen : DataFrame
        Snapshot; columns it lacks are left out.
    columns : sequence of str
        Columns with words, such as ``region`` or ``acquisition_channel``.
    top : int
        Groups shown a column; the rest is one row.

    Returns
    -------
    Evidence
        Frame: ``fact``, ``group``, ``customers_count``, ``share`` of those with the fact known, ``share_low``,
        ``share_high``, ``n``.
    """
    parts, said = [], []
    for column in columns:
        if column not in seen or not (words := seen[column].dropna().astype("str")).size:
            continue
        counts = words.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        rest = counts.iloc[top:].sum()
        counts = counts.iloc[:top].rename("customers_count")
        if rest:
            counts.loc["all others"] = rest
        part = pd.concat([counts, proportions(counts, len(words))], axis=1).rename_axis("group").reset_index()
        name = column.replace("_", " ")
        parts.append(part.assign(fact=name))
        largest = part.iloc[0]
        said.append(f"{name} {largest['group']} ({share_text(largest['share'])})")
    empty = pd.DataFrame(columns=["group", "customers_count", "share", "share_low", "share_high", "n"])
    frame = pd.concat(parts, ignore_index=True) if parts else empty.assign(fact=[])
    frame = frame[["fact", "group", "customers_count", "share", "share_low", "share_high", "n"]]
    return Evidence(
        frame,
        title="The largest groups",
        about=f"Share of {count_text(len(seen))} customers with the fact known, %; Wilson 95 % interval",
        reading=f"The largest groups are {_listed(said)}." if said else "No such fact is known of the customers.",
    )


def _listed(words: Sequence[str]) -> str:
    """Join words for a sentence.

    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if len(words) else str(np.nan)
