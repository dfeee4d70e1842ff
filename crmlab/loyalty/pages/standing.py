"""All that the page says of how loyal customers are: indices, cells, what became of them, and the chain to leaving."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import nearest, refuse, tried
from crmlab.loyalty.programme.invitation import Trial, trial_of
from crmlab.loyalty.standing.behaviour import AGE_BANDS, TENURE_BANDS, banded, behaviour_index
from crmlab.loyalty.standing.chain import leaving_by_loyalty, path_to_loyalty
from crmlab.loyalty.standing.followed import attitudes_of, followed_on
from crmlab.loyalty.standing.means import weighted_mean
from crmlab.loyalty.standing.quadrants import cell_of, cell_shares
from crmlab.stats import Estimate

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Standing", "groups_of", "said_in", "standing_on"]

_YEAR_DAYS = 365.2425
_MOST_GROUPS = 6


@dataclass(frozen=True)
class Standing:
    """How loyal customers are.

    Parameters
    ----------
    behaviour : DataFrame or None
        Index of every customer there on the day, with its components and groups; None: see ``why["behaviour"]``.
    answered : DataFrame or None
        Those who answered, at every wave, with both indices and the year after; None: see ``why["attitude"]``.
    wave : str
        The last wave.
    attitude_cut, behaviour_cut : float
        From which an index counts as high.
    shares : DataFrame
        Of the four cells at the last wave; empty where either index is not known.
    attitude, behaviour_mean : Estimate or None
        Mean indices, 0 to 100.
    path : Estimate or None
        From satisfaction to loyalty, standard deviations.
    odds : dict of str to Estimate
        Of leaving, for ten points.
    retention : Trial or None
        What campaigns to keep customers did.
    group : str
        What ``group`` is in both frames.
    why : dict of str to str
        Why something is not known.
    """

    behaviour: pd.DataFrame | None
    answered: pd.DataFrame | None
    wave: str
    attitude_cut: float
    behaviour_cut: float
    shares: pd.DataFrame
    attitude: Estimate | None
    behaviour_mean: Estimate | None
    path: Estimate | None
    odds: dict[str, Estimate]
    retention: Trial | None
    group: str
    why: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> pd.DataFrame:
        """Those who answered the last wave."""
        return self.answered[self.answered["wave"] == self.wave]

    @property
    def followed(self) -> pd.DataFrame:
        """Those whose year after the wave is known, each with the cell at the wave."""
        rows = self.answered[self.answered["left"].notna()]
        cut = {"attitude_cut": self.attitude_cut, "behaviour_cut": self.behaviour_cut}
        return rows.assign(cell=cell_of(rows["attitude"], rows["behaviour"], **cut))


def said_in(study: object | None, why: str) -> tuple[pd.DataFrame | None, str]:
    """Take the attitudes from a study of satisfaction, or hand on why there is none.

    Parameters
    ----------
    study : Study or None
        Anything with ``frame`` and a fitted ``index``, such as `crmlab.satisfaction.study.Study`.
    why : str
        Why there is no study.
    """
    if study is None:
        return None, why
    return tried(attitudes_of, study.frame, study.index.score(study.frame))


def groups_of(
    seen: pd.DataFrame, by: str, tiers: tuple[pd.Series | None, tuple[str, ...]]
) -> tuple[pd.Series | None, str]:
    """Give the group of each customer to compare by, and what it is called.

    Parameters
    ----------
    seen : DataFrame
        Snapshot.
    by : str
        One of its columns with few values; empty: the tiers.
    tiers : tuple of (Series of str or None, tuple of str)
        Tier of each customer by assets, and the names of the tiers, lowest first.

    Returns
    -------
    tuple of (Series or None, str)
        An ordered category.
    """
    if not by:
        groups, names = tiers
        return (None if groups is None else pd.Series(
            pd.Categorical(groups.astype("str").where(groups.notna()), categories=list(names), ordered=True),
            index=groups.index)), "tier by assets"  # fmt: skip
    refuse(
        *([] if by in seen else [f"by: the snapshot has no column {by!r}.{nearest(by, seen.columns)}"]),
        *([f"by: {by!r} has {seen[by].nunique()} values. Name a column with up to {_MOST_GROUPS}."]
          if by in seen and seen[by].nunique() > _MOST_GROUPS else []),
    )  # fmt: skip
    return seen[by].astype("str").where(seen[by].notna()), by.replace("_", " ")


def standing_on(
    bank: Bank, seen: pd.DataFrame, said: pd.DataFrame | None, why_not: str, groups: pd.Series | None, group: str = "",
    *, attitude_cut: float = 70.0, behaviour_cut: float = 60.0,
) -> Standing:  # fmt: skip
    """Measure loyalty in words and in deeds.

    Parameters
    ----------
    bank : Bank
        As of a day.
    seen : DataFrame
        Snapshot of the day.
    said : DataFrame or None
        Attitudes, from `said_in`.
    why_not : str
        Why there are none.
    groups : Series or None
        Segment of each customer, from `groups_of`; `group`: what it is called.
    attitude_cut, behaviour_cut : float
        From which an index counts as high, 0 to 100.
    """
    why = {"attitude": why_not} if said is None else {}
    index, why["behaviour"] = tried(behaviour_index, seen)
    if index is not None:
        index = _with_groups(index, seen, groups)
    answered = None if said is None else followed_on(bank, said)
    wave, shares, attitude, path, odds = "", pd.DataFrame(), None, None, {}
    if answered is not None and len(answered):
        wave = str(answered["wave"].max())
        last = answered["wave"] == wave
        answered = _with_groups(answered, answered, None if groups is None else answered["customer_id"].map(groups))
        now = answered[last]
        attitude = weighted_mean(now["attitude"], now["weight"], now["customer_id"])
        path, why["path"] = tried(path_to_loyalty, now)
        if now["behaviour"].notna().any():
            shares = cell_shares(now, attitude_cut=attitude_cut, behaviour_cut=behaviour_cut)
        else:
            why["cells"] = "what these customers do is not known"
        known = answered[answered["left"].notna()]
        if len(known):
            found, why["leaving"] = tried(leaving_by_loyalty, known)
            odds = found or {}
        else:
            why["leaving"] = "no wave was followed by a full year"
    elif said is not None:
        why["attitude"], answered = "nobody who answered is a customer on the last day of a wave", None
    retention, why["retention"] = trial_of(bank, goal="retention")
    mean = None if index is None else weighted_mean(index["behaviour"])
    return Standing(index, answered, wave, attitude_cut, behaviour_cut, shares, attitude, mean, path, odds, retention,
                    group, {name: text for name, text in why.items() if text})  # fmt: skip


def _with_groups(frame: pd.DataFrame, seen: pd.DataFrame, groups: pd.Series | None) -> pd.DataFrame:
    """Add age, tenure and segment as bands."""
    found = frame.copy()
    if "tenure_days" in seen:
        found["tenure_band"] = banded(seen["tenure_days"] / _YEAR_DAYS, TENURE_BANDS)
    if "age_years" in seen:
        found["age_band"] = banded(seen["age_years"], AGE_BANDS)
    if groups is not None:
        found["group"] = groups.reindex(found.index)
    return found
