"""The randomised contacts of retention campaigns, each with what the bank knew of the customer the day before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.outreach.arms import arms
from crmlab.outreach.trials import campaign_contacts
from crmlab.snapshots import snapshot
from crmlab.stats.trial_arms import SampleRatio, sample_ratio

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["RetentionTrial", "persuasion_features", "retention_trial"]

_MOST_WORDS = 10  # levels of a word column that a small trial can carry
_NO_FEATURES = ("as_of", "district", "branch")  # a date, and words with too many levels
_ENOUGH_FOR_ALL = 2_000  # contacts in the smaller arm
# Named before any trial was looked at: who the customer is, what is held, how active, what went wrong. In a small trial
# a hundred facts find patterns that are not there.
_FEW = (
    "age_years", "tenure_days", "income_amount", "products_count", "families_count", "assets_amount", "debt_amount",
    "assets_change_share", "margin_12m_amount", "recency_days", "frequency_3m_count", "frequency_change_share",
    "salary_amount", "is_salary_credited", "complaints_12m_count", "logins_3m_count",
)  # fmt: skip


@dataclass(frozen=True)
class RetentionTrial:
    """What retention campaigns drew by lot, and what came of it.

    Parameters
    ----------
    rows : DataFrame
        Index ``contact_id``: ``customer_id``, ``campaign_id``, ``channel``, ``started_on``, ``is_treated``,
        ``treated_share`` (planned), ``stayed`` and ``left`` (0 or 1, by the last day of the campaign), ``cost_amount``.
    features : DataFrame
        Index ``contact_id``: snapshot of the day before the campaign began; empty where the bank has no features.
    why_not : str
        Why there is no trial to read, or an empty text.
    sizes : SampleRatio or None
        Sizes of the arms against the plan, over campaigns.
    alarm : str
        Why no effect may be shown; "" where the arms are as drawn.
    unseen_count : int
        Contacts without a snapshot, left out of everything that needs features.
    months : float
        Mean months from contact to the end of the campaign.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    why_not: str = ""
    sizes: SampleRatio | None = None
    alarm: str = ""
    unseen_count: int = 0
    months: float = float("nan")
    columns: list[str] = field(default_factory=list)

    @property
    def can_be_read(self) -> bool:
        """Whether there is a trial and its arms are as drawn."""
        return not self.why_not and not self.alarm

    def channel(self, name: str) -> RetentionTrial:
        """Contacts of one channel only."""
        inside = self.rows["channel"] == name
        kept = self.rows[inside]
        features = self.features[self.features.index.isin(kept.index)]
        return RetentionTrial(
            kept, features, self.why_not, self.sizes, self.alarm, self.unseen_count, self.months, self.columns
        )


def retention_trial(bank: Bank, *, false_alarm_rate: float = 0.05) -> RetentionTrial:
    """Collect the randomised contacts of retention campaigns that have ended.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        Of the alarm on the arms, over all campaigns of the bank.

    Notes
    -----
    Features are those of the day before the campaign began: nothing that a contact could have changed. The alarm asks
    two things before any effect is shown: are the arms of the planned sizes (each campaign, and all together), and are
    they of the same kind of customers. A customer may be in several campaigns, each time drawn anew.
    """
    rows = campaign_contacts(bank, goal="retention")
    nothing = pd.DataFrame()
    if not len(rows):
        return RetentionTrial(rows, nothing, "no retention campaign has ended")
    drawn = rows[rows["is_randomised"] & rows["holdout_share"].between(0, 1, inclusive="neither")]
    if not len(drawn):
        return RetentionTrial(drawn, nothing, "no retention campaign held customers out by lot")
    started = pd.to_datetime(drawn["started_on"])
    rows = pd.DataFrame(
        {
            "customer_id": drawn["customer_id"].astype("str"),
            "campaign_id": drawn["campaign_id"].astype("str"),
            "channel": drawn["channel"].astype("str").fillna("not known"),
            "started_on": started,
            "is_treated": drawn["is_treated"].astype(bool),
            "treated_share": 1 - drawn["holdout_share"].astype(float),
            "stayed": drawn["has_acted"].astype(float),
            "left": 1 - drawn["has_acted"].astype(float),
            "cost_amount": drawn["cost_amount"].astype(float),
        }
    ).set_axis(pd.Index(drawn["contact_id"].astype("str"), name="contact_id"))
    months = float((pd.to_datetime(drawn["ended_on"]) - pd.to_datetime(drawn["assigned_on"])).dt.days.mean() / 30.44)
    arm_counts = rows["is_treated"].groupby(rows["campaign_id"]).agg(["sum", "size"])
    planned = rows.groupby("campaign_id")["treated_share"].first()
    sizes = sample_ratio(
        np.column_stack([arm_counts["sum"], arm_counts["size"] - arm_counts["sum"]]),
        np.column_stack([planned, 1 - planned]),
    )
    smaller = int(min(rows["is_treated"].sum(), (~rows["is_treated"]).sum()))
    features = _features_before(bank, rows, smaller)
    return RetentionTrial(
        rows, features, "", sizes, _alarm(bank, rows, sizes, false_alarm_rate), len(rows) - len(features), months,
        persuasion_features(features, smaller),
    )  # fmt: skip


def persuasion_features(seen: pd.DataFrame, smaller_arm: int) -> list[str]:
    """Name the columns of a snapshot from which effects may be learned.

    Numbers, flags, and words of few levels; in a trial with a small arm a short list named beforehand, as far as the
    bank knows them (all, where it knows none of these).
    """
    if smaller_arm < _ENOUGH_FOR_ALL and (few := [name for name in _FEW if name in seen]):
        return few
    words = {name for name in seen if not (pd.api.types.is_numeric_dtype(seen[name]) or name in _NO_FEATURES)}
    times = {name for name in seen if pd.api.types.is_datetime64_any_dtype(seen[name])}
    many = {name for name in words - times if seen[name].nunique() > _MOST_WORDS}
    return [str(name) for name in seen if name not in times | many and name not in _NO_FEATURES]


def _features_before(bank: Bank, rows: pd.DataFrame, smaller_arm: int) -> pd.DataFrame:
    """Snapshot of every contact on the day before its campaign began, indexed by contact."""
    days = (rows["started_on"] - pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d")
    found = snapshot(bank, sorted(days.unique()), features=_FEW if smaller_arm < _ENOUGH_FOR_ALL else None)
    key = pd.MultiIndex.from_arrays([found.index.astype("str"), found["as_of"].dt.strftime("%Y-%m-%d")])
    place = key.get_indexer(pd.MultiIndex.from_arrays([rows["customer_id"], days]))
    known = place >= 0
    return found.iloc[place[known]].set_axis(rows.index[known])


def _alarm(bank: Bank, rows: pd.DataFrame, sizes: SampleRatio, rate: float) -> str:
    if sizes.is_alarm:
        return sizes.reading
    frame = arms(bank, false_alarm_rate=rate).frame
    odd = frame[frame["is_alarm"].astype(bool) & frame["campaign_id"].astype("str").isin(rows["campaign_id"])]
    if not len(odd):
        return ""
    row = odd.iloc[0]
    told = f"the arms differ in {row['differs_most']}" if row["differs_most"] and row["p_balance"] < rate else (
        f"{row['holdout_share']:.0%} of its {row['customers_count']:,} customers were held out where "
        f"{row['planned_share']:.0%} were planned"
    ).replace("%", " %")  # fmt: skip
    return f"Campaign {row['campaign_id']} was not drawn as planned: {told}. So no effect is shown."
