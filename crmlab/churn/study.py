"""Everything behind notebook 31, made once: the table, the model, how it was judged, and who is at risk today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab.churn.definitions.definition import Closing, Definition, FileLabel, read_definition
from crmlab.churn.definitions.events import closings
from crmlab.churn.drift import drift_of
from crmlab.churn.forecast import expected_leavers, past_sums
from crmlab.churn.kept_model import judge_kept
from crmlab.churn.learning.backtest import Backtest, backtest, blocks_in_time, random_split
from crmlab.churn.learning.learner import ChurnModel
from crmlab.churn.learning.suspects import suspects
from crmlab.churn.panel import Panel, is_flat, panel_on
from crmlab.churn.stakes import stakes, yearly_margin, yearly_retention
from crmlab.errors import CrmlabError
from crmlab.snapshots.outcome import OutcomeWindow, outcome_window
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.subgroups import subgroups
from crmlab.stats.time_splits import TimeSplit, rolling_origin

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["ChurnStudy", "churn_on"]

OUTCOME = "churned"
_TEST_DATES = 3
_MOST_BLOCK_DATES = 30  # a file with more dates is judged by blocks of time
_JUDGED_MEMBERS = 1  # members of the models that are judged; the one that scores has more and is no worse
_LEAK_CELLS = 500_000
_LOT_FOLDS = 2
_AGES = [0, 30, 45, 60, 200]
_TENURES = [0, 3, 10, 200]


@dataclass(frozen=True)
class ChurnStudy:
    """What is known of who will leave.

    Parameters
    ----------
    day : date
        Day of the report.
    definition : Definition
    panel : Panel
    why : str
        Why nothing was learned; empty when something was.
    leaks : Evidence or None
        Looks for columns that know too much.
    set_aside : tuple of str
        Columns that knew too much and were not learned from.
    judged : Backtest or None
        How model and rivals did; None where there was nothing to judge on.
    optimistic : Evidence or None
        What a split by lot would have shown.
    model : ChurnModel or None
        Learned from all rows, or kept by an earlier run.
    is_kept : bool
        The model was kept by an earlier run.
    now : DataFrame
        What is at stake with each customer today, as `crmlab.churn.stakes.stakes`.
    window : OutcomeWindow or None
        Days that the probabilities are about; None for a flat file.
    past : DataFrame
        Leavers said and seen by date judged.
    leavers, margin : Estimate or None
        Customers, and their yearly margin, expected to go in the window.
    drift, groups : Evidence or None
        Columns that look different today; groups for which the probabilities are off.
    exits : DataFrame or None
        Relations that ended by the day of the report, by ``customer_id``: ``ended_on``, ``reason``.
    """

    day: dt.date
    currency: str
    definition: Definition
    panel: Panel
    why: str
    leaks: Evidence | None = None
    set_aside: tuple[str, ...] = ()
    judged: Backtest | None = None
    optimistic: Evidence | None = None
    model: ChurnModel | None = None
    is_kept: bool = False
    now: pd.DataFrame | None = None
    window: OutcomeWindow | None = None
    past: pd.DataFrame | None = None
    leavers: Estimate | None = None
    margin: Estimate | None = None
    retention: float = float("nan")
    drift: Evidence | None = None
    groups: Evidence | None = None
    exits: pd.DataFrame | None = None

    @property
    def undated_alarms(self) -> list[str]:
        """Columns that know too much, learned from or not."""
        if self.leaks is None:
            return []
        return list(dict.fromkeys(self.leaks.frame.loc[self.leaks.frame["is_alarm"], "column"]))

    @property
    def features(self) -> list[str]:
        """Columns learned from."""
        return [name for name in self.panel.features if name not in self.set_aside]

    @property
    def has_money(self) -> bool:
        """Whether margins are known."""
        return self.now is not None and "margin_amount" in self.now

    @property
    def base_rate(self) -> float:
        """Share of the rows that left."""
        return float(self.panel.frame[OUTCOME].mean()) if len(self.panel.frame) else float("nan")


def churn_on(
    bank: Bank,
    *,
    definition: str = "closing",
    outcome_months: int = 0,
    label_means: str = "",
    kept: Mapping[str, Any] | None = None,
    members: int = 5,
    discount: float = 0.08,
    years: int = 5,
    seed: int = 1,
) -> ChurnStudy:
    """Learn who leaves, judge it on what came after, and score today's customers.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    definition : str
        As `read_definition` reads it; a flat file has its own.
    outcome_months : int
        Length of the outcome window; 0 takes the definition's own.
    label_means : str
        What the label of a flat file says of customers, such as ``have subscribed``; empty: as the bank's file says.
    kept : mapping, optional
        A model that an earlier run kept, as `crmlab.findings.read_model` gives it: nothing is learned anew. It is
        judged on dates after the last it knew. Columns that changed are refused.
    members : int
        Boosted models that are averaged.
    discount, years
        As in `crmlab.churn.stakes.stakes`.
    seed : int

    Returns
    -------
    ChurnStudy
        With ``why`` where nothing can be learned: too few rows or leavers, or a bank that does not know who left.
    """
    day = bank.date or bank.report_on
    chosen: Definition
    if is_flat(bank):
        chosen = FileLabel(label_means or _label_words(bank))
    else:
        chosen = read_definition(definition, outcome_months=outcome_months)
    panel = panel_on(bank, chosen)
    study = ChurnStudy(day=day, currency=bank.currency, definition=chosen, panel=panel, why=panel.why)
    if kept is not None:
        return _scored(bank, _with_kept(study, kept, seed), discount, years)
    if panel.why:
        return study
    looked = [*panel.features, *panel.asked]
    leaks = suspects(panel.frame[["customer_id", "as_of", OUTCOME, *looked]], outcome=OUTCOME, features=looked,
                     most_cells=_LEAK_CELLS, seed=seed)  # fmt: skip
    known = set(leaks.frame.loc[leaks.frame["is_alarm"], "column"])
    aside = tuple(name for name in panel.features if name in known)
    study = _changed(study, leaks=leaks, set_aside=aside)
    if not study.features:
        return _changed(study, why="every column there is knows more than it could have known on the day")
    study = _judged(study, members, seed)
    rows = panel.frame
    model = ChurnModel(members=members, seed=seed).fit(
        rows[study.features], rows[OUTCOME], dates=rows["as_of"], customers=rows["customer_id"]
    )
    return _scored(bank, _changed(study, model=model), discount, years)


def _judged(study: ChurnStudy, members: int, seed: int) -> ChurnStudy:
    rows = study.panel.frame[["customer_id", "as_of", OUTCOME, *study.features]]
    make = partial(ChurnModel, members=min(members, _JUDGED_MEMBERS), seed=seed)
    splits = _splits(study.panel)
    if study.panel.is_dated and splits is None:
        return study
    try:
        judged = backtest(rows, outcome=OUTCOME, features=study.features, splits=splits, model=make, seed=seed)
    except CrmlabError as refusal:
        return _changed(study, why=str(refusal).partition(":")[2].strip().rstrip("."))
    by_lot = None
    if judged.is_dated:
        by_lot = random_split(rows, judged, outcome=OUTCOME, features=study.features, model=make,
                              folds=_LOT_FOLDS, seed=seed)  # fmt: skip
    return _changed(study, judged=judged, optimistic=by_lot)


def _splits(panel: Panel) -> tuple[TimeSplit, ...] | None:
    """Cut the rows so that each date is judged by what was known then; None where there is no time to cut."""
    if not panel.is_dated:
        return None
    dates = panel.dates
    if isinstance(panel.definition, FileLabel) or len(dates) > _MOST_BLOCK_DATES:
        return blocks_in_time(panel.frame["as_of"], panel.frame[OUTCOME])
    window = {"outcome_months": panel.definition.outcome_months, "gap_months": panel.definition.gap_months}
    try:
        every = rolling_origin(panel.frame, **window)
    except CrmlabError:  # too few dates: nothing was known before the last of them
        return None
    return every[-_TEST_DATES:]


def _with_kept(study: ChurnStudy, kept: Mapping[str, Any], seed: int) -> ChurnStudy:
    """Take a model that an earlier run kept, and judge it on the dates after those it knew."""
    model = ChurnModel.from_dict(kept)
    names = {*model.preparation_.columns_, *model.preparation_.dropped_}
    given = tuple(name for name in study.panel.features if name not in names)
    study = _changed(study, model=model, is_kept=True, why="", set_aside=given)
    later = study.panel.frame
    if len(later) and model.last_on_:
        later = later[later["as_of"] > pd.Timestamp(model.last_on_)]
    if not len(later) or later[OUTCOME].nunique() < 2:
        return study
    return _changed(study, judged=judge_kept(later, model, OUTCOME, seed))


def _scored(bank: Bank, study: ChurnStudy, discount: float, years: int) -> ChurnStudy:
    """Score today's customers, put money beside, and look at drift and groups."""
    panel, model = study.panel, study.model
    if not len(panel.now):
        return study
    p = model.predict_proba(panel.now)
    months = panel.definition.outcome_months
    margin = yearly_margin(bank, panel.now, study.day) if months else None
    rate = min(max(study.base_rate if np.isfinite(study.base_rate) else float(p.mean()), 0.0), 0.99)
    retention = yearly_retention(rate, months) if months else float("nan")
    now = stakes(margin, p, retention=retention if months else 1.0, discount=discount, years=years)
    past = pd.DataFrame(columns=["as_of", "n", "said_count", "left_count"])
    drift = groups = None
    if study.judged is not None:
        scores = study.judged.scores.rename(columns={"p_model": "p_churn"})
        past = past_sums(scores) if study.judged.is_dated else past
        groups = _groups(scores, panel)
    if panel.is_dated and not panel.frame.empty and months:
        then = _same_season(panel, study.day)
        names = [name for name in study.features if name in panel.now]
        drift = drift_of(then[names], panel.now[names], p_then=model.predict_proba(then), p_now=p)
    window = outcome_window(study.day, panel.definition.gap_months, months) if months else None
    leavers = expected_leavers(p, past)
    money = expected_leavers(p, past, weight=now["margin_amount"], unit=study.currency) if margin is not None else None
    exits = None
    if isinstance(panel.definition, Closing) and len(panel.dates):
        exits = closings(bank, pd.Timestamp(panel.dates[0]).date(), study.day, panel.definition.families)
    return _changed(study, exits=exits, now=now, window=window, past=past, leavers=leavers, margin=money,
                    retention=retention,
                    drift=drift, groups=groups)  # fmt: skip


def _same_season(panel: Panel, day: dt.date) -> pd.DataFrame:
    """Rows of the date learned from whose season is nearest to today's, the later of equals."""
    dates = pd.DatetimeIndex(panel.dates)
    apart = np.abs((dates.month - day.month + 6) % 12 - 6)
    chosen = dates[apart == apart.min()].max()
    return panel.frame[panel.frame["as_of"] == chosen]


def _groups(scores: pd.DataFrame, panel: Panel) -> Evidence | None:
    """Judge the probabilities by group: age, gender, region, time with the bank."""
    rows = panel.frame.loc[scores.index]
    table = {}
    if "age_years" in rows:
        table["age"] = _banded(rows["age_years"], _AGES, "years")
    if "tenure_days" in rows:
        table["time with the bank"] = _banded(rows["tenure_days"] / 365.25, _TENURES, "years")
    for name in ("gender", "region"):
        if name in rows and rows[name].nunique() > 1:
            table[name] = rows[name].astype("str").where(rows[name].notna())
    if not table:
        return None
    frame = pd.DataFrame(table, index=rows.index)
    return subgroups(scores["outcome"], scores["p_churn"], frame, customers=scores["customer_id"])


def _banded(values: pd.Series, edges: list[int], unit: str) -> pd.Series:
    inner = [f"{a:d} to {b - 1:d} {unit}" for a, b in pairwise(edges[1:-1])]
    names = [f"under {edges[1]:d} {unit}", *inner, f"{edges[-2]:d} {unit} and more"]
    found = pd.cut(values, edges, right=False, labels=names)
    return found.astype("object").where(found.notna(), None)


def _label_words(bank: Bank) -> str:
    """The label of a flat file as a verb: "have left", or "have" and what the bank's file says."""
    return f"have {bank.label_means or 'left'}"


def _changed(study: ChurnStudy, **changes: Any) -> ChurnStudy:
    from dataclasses import replace

    return replace(study, **changes)
