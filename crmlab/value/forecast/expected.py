"""Expected value of each customer over a horizon: chance to stay x margin of those who stay x discount, with limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.value.forecast.leaving import fit_leaving
from crmlab.value.forecast.paths import fit_paths
from crmlab.value.forecast.recalibration import Levels, Misses, fit_levels, fit_misses
from crmlab.value.forecast.shocks import monthly_shocks, shock_covariance, window_weights
from crmlab.value.forecast.traits import Traits, income_steps, read_traits
from crmlab.value.forecast.valued import ExpectedValue, jackknife_variance
from crmlab.value.margin.panel import MarginPanel

__all__ = ["ValueForecast", "forecast_days"]

_LONGEST = 12  # months ahead that are learned; beyond, those who stay go on as in the last
_STEP = 3  # months between dates to learn from
_FEWEST_MONTHS = 3
_GROUPS = 20  # of customers, for the jackknife
_MOST_CUSTOMERS = 20_000  # to learn from; more make it slower and hardly surer
_LAST_LEADS = 3  # months ahead whose hazard goes on


def forecast_days(panel: MarginPanel) -> list[pd.Timestamp]:
    """Month-ends for which the forecast wants snapshots: those to learn from, and the last.

    Parameters
    ----------
    panel : MarginPanel

    Examples
    --------
    >>> months = pd.date_range("2024-01-31", periods=5, freq="ME")
    >>> panel = MarginPanel(pd.Index(["a"]), months, (), np.zeros((0, 1, 5)), np.ones((1, 5), bool),
    ...                     np.zeros((0, 1, 5)), (), "EUR")
    >>> [str(day.date()) for day in forecast_days(panel)]
    ['2024-03-31', '2024-05-31']
    """
    leads, _, columns = _windows(len(panel.months))
    return [panel.months[column] for column in (*columns, len(panel.months) - 1)] if leads else [panel.months[-1]]


class _Raw(NamedTuple):
    """Chance to stay of each version, and what the paths give before it is drawn to outcomes."""

    versions: list[np.ndarray]
    left: np.ndarray
    stayed: np.ndarray
    by_part: np.ndarray
    path: np.ndarray


class ValueForecast:
    """Learns from the past what customers come to be worth, and foresees it.

    Parameters
    ----------
    horizon_months : int
        Months ahead that count, 1 or more.
    discount_rate : float
        A year, 0 or more (0.08: eight percent); a month's margin comes at its end.
    seed : int
        Of the grouping of customers, which does not depend on the order of rows.

    Attributes
    ----------
    hazard_ : LeavingHazard
    paths_ : MarginPaths
    leads_ : int
        Months ahead that were learned.

    Notes
    -----
    value = sum over months s of S(s) x m(s) / (1 + d) ** (s / 12), where S is the chance to be there (discrete-time
    hazard on what is known on the day) and m the margin of those who are there then, part by part: holders by their own
    level drawn to their own year and to all, others by what like customers adopt. The sum is drawn to what customers
    with like forecasts turned out to yield. All is learned from dates whose months ahead have passed, one every three
    months; what lies beyond the longest time learned goes on as its last months.

    It foresees what customers are expected to yield if the months to come are like those seen, whatever the bank does
    for them on the average. It says nothing about what a measure would change.

    References
    ----------
    Donkers, Verhoef and de Jong (2007), Quantitative Marketing and Economics 5; Haenlein, Kaplan and Beeser (2007), A
    model to determine customer lifetime value in a retail banking context, European Management Journal 25; Kott (2001),
    The delete-a-group jackknife, Journal of Official Statistics 17.
    """

    def __init__(self, *, horizon_months: int = 12, discount_rate: float = 0.08, seed: int = 1) -> None:
        self.horizon_months = horizon_months
        self.discount_rate = discount_rate
        self.seed = seed

    def fit(self, panel: MarginPanel, seen: pd.DataFrame) -> ValueForecast:
        """Learn from the panel.

        Parameters
        ----------
        panel : MarginPanel
            As far as known on the day.
        seen : DataFrame
            Snapshots at `forecast_days`: ``as_of``, and those of `crmlab.value.forecast.traits.TRAITS` that the bank
            has, indexed by ``customer_id``.
        """
        self._check(panel, seen)
        self.leads_, self.window_, self.columns_ = _windows(len(panel.months))
        self.steps_ = income_steps(seen[seen["as_of"] == panel.months[-1]])
        group, learns = _grouped(panel.customers, self.seed)
        days = []
        for column in self.columns_:
            rows = seen[seen["as_of"] == panel.months[column]]
            rows = rows[rows.index.isin(panel.customers[learns])]
            days.append(read_traits(rows, panel.customers, self.steps_))
        self.hazard_ = fit_leaving(days, self.columns_, panel.is_there, leads=self.leads_, group=group, groups=_GROUPS)
        risks = [1 - self.hazard_.stays(day)[-1] for day in days]
        self.paths_ = fit_paths(panel.amounts, panel.is_there, days, self.columns_, risks, leads=self.leads_,
                                window=self.window_, group=group, groups=_GROUPS)  # fmt: skip
        self.kinds_ = _kinds(panel)
        self.kind_sign_ = np.array([1.0, *[-1.0] * (len(self.kinds_) - 1)])
        self._learn_levels(panel, days, group)
        shocks, common = monthly_shocks(panel.amounts[:, learns], panel.is_there[learns], group[learns], _GROUPS)
        weights = window_weights(self.columns_, self.leads_, len(panel.months))
        self.covariance_ = shock_covariance(shocks, common, weights)
        future = window_weights([0], min(self.horizon_months, self.leads_), self.leads_ + 1)
        self.future_covariance_ = shock_covariance(shocks, common, future)
        return self

    def predict(
        self, panel: MarginPanel, seen: pd.DataFrame, *, steady: Mapping[str, tuple[np.ndarray, float]] | None = None
    ) -> ExpectedValue:
        """Foresee the value of the customers there at the last month-end of a panel.

        Parameters
        ----------
        panel, seen
            As in `fit`, of the same bank at the same day or a later one.
        steady : mapping of str to (ndarray, float), optional
            Costs that are not learned from the panel but known by a rule, such as expected losses: money a month of
            each customer of the panel while they stay, below 0, and the relative standard error of all together.
        """
        column = len(panel.months) - 1
        rows = seen[seen["as_of"] == panel.months[column]]
        traits = read_traits(rows, panel.customers, self.steps_)
        raw = self._raw(panel, column, traits, self.horizon_months, keep=True)
        value, if_all_stay = np.zeros((2, *raw.left.shape[1:]))
        factor = np.ones((len(self.kinds_), len(traits.place)))
        for kind, sign in enumerate(self.kind_sign_):
            for version in range(1 + _GROUPS):
                scale = self._in_learned(raw.left[kind, version])
                drawn = self.levels_[kind][version].factor(scale)
                factor[kind] = drawn if version == 0 else factor[kind]
                value[version] += sign * raw.left[kind, version] * drawn
                if_all_stay[version] += sign * raw.stayed[kind, version] * drawn
        by_part = raw.by_part * factor[self._kind_of_part()].T
        if_stays = np.zeros((2, *raw.versions[0].shape))
        for kind, sign in enumerate(self.kind_sign_):
            if_stays[min(kind, 1)] += sign * raw.path[kind] * factor[kind]
        extra = steady or {}
        if extra:
            discount = _discounts(self.discount_rate, self.horizon_months)
            monthly = np.stack([amounts[traits.place] for amounts, _ in extra.values()])
            years = np.stack([discount @ stays for stays in raw.versions])
            value += monthly.sum(axis=0) * years
            if_all_stay += monthly.sum(axis=0) * discount.sum()
            by_part = np.concatenate([by_part, (monthly * years[0]).T], axis=1)
            if_stays[1] += monthly.sum(axis=0)
        errors = np.array([error for _, error in extra.values()])
        return self._packed(panel, traits, raw.versions[0], value, if_all_stay - value, by_part, if_stays,
                            tuple(extra), errors)  # fmt: skip

    def _packed(
        self, panel: MarginPanel, traits: Traits, stays: np.ndarray, value: np.ndarray, risk: np.ndarray,
        by_part: np.ndarray, if_stays: np.ndarray, extra: tuple[str, ...], errors: np.ndarray,
    ) -> ExpectedValue:  # fmt: skip
        all_of, without = value[0], value[1:].T
        parts = (*panel.parts, *extra)
        covariance = np.zeros((len(parts), len(parts)))
        covariance[: len(panel.parts), : len(panel.parts)] = self.covariance_
        covariance[range(len(panel.parts), len(parts)), range(len(panel.parts), len(parts))] = errors**2
        months = np.einsum("ij,jk,ik->i", by_part, covariance, by_part)
        reach = norm.ppf(0.975) * np.sqrt(jackknife_variance(without) + months)
        error = self.misses_.error_of(all_of) * self._longer()
        low, high = self.misses_.limits_of(all_of, 0.8)
        longer = self._longer()
        yields = np.array([name in panel.yields for name in parts])
        frame = pd.DataFrame(
            {
                "value_amount": all_of,
                "low_amount": all_of - reach,
                "high_amount": all_of + reach,
                "outcome_low_amount": all_of + (low - all_of) * longer,
                "outcome_high_amount": all_of + (high - all_of) * longer,
                "margin_amount": by_part[:, yields].sum(axis=1),
                "cost_amount": by_part[:, ~yields].sum(axis=1),
                "p_leave": 1 - stays[-1],
                "at_risk_amount": np.maximum(risk[0], 0.0),
            },
            index=panel.customers[traits.place].rename("customer_id"),
        )
        return ExpectedValue(
            frame, panel.months[-1], self.horizon_months, self.discount_rate, self.leads_, by_part, parts,
            panel.currency, without, risk[1:].T, covariance, error, stays, if_stays,
        )  # fmt: skip

    def _raw(self, panel: MarginPanel, column: int, traits: Traits, horizon: int, *, keep: bool = False) -> _Raw:
        """Worth of each kind of parts, for all and without each group, before it is drawn to outcomes."""
        n, kinds = len(traits.place), self.kinds_
        survival = [_extended(self.hazard_.stays(traits, group), horizon) for group in (None, *range(_GROUPS))]
        risk = 1 - self.hazard_.stays(traits)[-1]
        discount = _discounts(self.discount_rate, horizon)
        left, stayed = np.zeros((2, len(kinds), 1 + _GROUPS, n))
        by_part = np.zeros((n, len(panel.parts) if keep else 0))
        path = np.zeros((len(kinds), horizon if keep else 0, n))
        last = np.minimum(np.arange(horizon), self.leads_ - 1)
        for kind, parts in enumerate(kinds):
            for part in parts:
                versions = self.paths_.ahead(part, panel.amounts[part], panel.is_there, column, traits, risk)
                for version, ahead in enumerate(versions):
                    size = self.kind_sign_[kind] * ahead[last]
                    worth = np.einsum("mi,mi,m->i", survival[version], size, discount)
                    left[kind, version] += worth
                    if keep:
                        stayed[kind, version] += discount @ size
                    if keep and version == 0:
                        by_part[:, part] = self.kind_sign_[kind] * worth
                        path[kind] += size
        return _Raw(survival, left, stayed, by_part, path)

    def _learn_levels(self, panel: MarginPanel, days: Sequence[Traits], group: np.ndarray) -> None:
        """Draw forecasts of the dates to outcomes, for all and without each group; keep how far single ones miss."""
        horizon = min(self.horizon_months, self.leads_)
        discount = _discounts(self.discount_rate, horizon)
        forecasts, outcomes, member = [], [], []
        for traits, column in zip(days, self.columns_, strict=True):
            forecasts.append(self._raw(panel, column, traits, horizon).left)
            ahead = panel.amounts[:, traits.place, column + 1 : column + horizon + 1]
            came = (ahead * panel.is_there[traits.place, column + 1 : column + horizon + 1]) @ discount
            outcomes.append(np.stack([self.kind_sign_[k] * came[list(parts)].sum(axis=0)
                                      for k, parts in enumerate(self.kinds_)]))  # fmt: skip
            member.append(group[traits.place])
        forecast, outcome = np.concatenate(forecasts, axis=2), np.concatenate(outcomes, axis=1)
        of = np.concatenate(member)
        self.levels_: list[list[Levels]] = [
            [fit_levels(forecast[kind, version][of != version - 1], outcome[kind][of != version - 1])
             for version in range(1 + _GROUPS)]
            for kind in range(len(self.kinds_))
        ]  # fmt: skip
        drawn = sum(self.kind_sign_[kind] * self.levels_[kind][0].applied(forecast[kind, 0])
                    for kind in range(len(self.kinds_)))  # fmt: skip
        came = sum(self.kind_sign_[kind] * outcome[kind] for kind in range(len(self.kinds_)))
        self.misses_: Misses = fit_misses(np.asarray(drawn), np.asarray(came))

    def _in_learned(self, worth: np.ndarray) -> np.ndarray:
        """A worth over the horizon, as if it were over the months that levels were learned for."""
        return worth * min(self.horizon_months, self.leads_) / self.horizon_months

    def _longer(self) -> float:
        """How many times longer the horizon is than what was learned: misses grow with it."""
        return self.horizon_months / min(self.horizon_months, self.leads_)

    def _kind_of_part(self) -> np.ndarray:
        place = np.zeros(sum(len(parts) for parts in self.kinds_), dtype=int)
        for kind, parts in enumerate(self.kinds_):
            place[list(parts)] = kind
        return place

    def _check(self, panel: MarginPanel, seen: pd.DataFrame) -> None:
        months = len(panel.months)
        whole = isinstance(self.horizon_months, (int, np.integer)) and not isinstance(self.horizon_months, bool)
        has_days = "as_of" in seen and months >= _FEWEST_MONTHS
        lacking = [str(day.date()) for day in forecast_days(panel) if has_days and not (seen["as_of"] == day).any()]
        refuse(
            *([] if whole and self.horizon_months >= 1
              else [f"ValueForecast: horizon_months is {self.horizon_months!r}. Give 1 or more."]),
            *([] if self.discount_rate >= 0
              else [f"ValueForecast: discount_rate is {self.discount_rate}. Give 0 or more a year, such as 0.08."]),
            *([] if months >= _FEWEST_MONTHS
              else [f"ValueForecast: {months} month-end(s) are known. It takes {_FEWEST_MONTHS} to learn from."]),
            *([] if panel.parts else ["ValueForecast: the panel has no part. Margins and fees are unknown."]),
            *(["ValueForecast: the snapshots lack as_of. Take crmlab.snapshots."] if "as_of" not in seen else []),
            *([f"ValueForecast: no snapshots of {', '.join(lacking)}. Take forecast_days."] if lacking else []),
        )  # fmt: skip


def _windows(months: int) -> tuple[int, int, list[int]]:
    """Months ahead to learn, months of the mean, and columns of the dates to learn from, first to last."""
    leads = min(_LONGEST, (months - 1) // 2)
    if leads < 1:
        return 0, 0, []
    window = min(_LONGEST, months - leads)
    return leads, window, list(range(months - 1 - leads, window - 2, -_STEP))[::-1]


def _kinds(panel: MarginPanel) -> list[list[int]]:
    """Parts that are drawn to outcomes together: all yields, then each cost by itself."""
    yields = [place for place, name in enumerate(panel.parts) if name in panel.yields]
    return [yields, *([place] for place, name in enumerate(panel.parts) if name in panel.costs)]


def _grouped(customers: pd.Index, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Group of each customer, and the places of those to learn from."""
    order = np.random.default_rng(seed).permutation(np.argsort(customers.to_numpy(dtype=object), kind="stable"))
    group = np.empty(len(customers), dtype=int)
    group[order] = np.arange(len(customers)) % _GROUPS
    return group, np.sort(order[:_MOST_CUSTOMERS])


def _discounts(rate: float, months: int) -> np.ndarray:
    return (1 + rate) ** (-np.arange(1, months + 1) / 12)


def _extended(stays: np.ndarray, horizon: int) -> np.ndarray:
    """Chance to stay as far as the horizon: beyond what was learned by the mean hazard of the last months."""
    leads = len(stays)
    if horizon <= leads:
        return stays[:horizon]
    back = min(_LAST_LEADS, leads)
    before = stays[-1 - back] if back < leads else np.ones(stays.shape[1])
    kept = np.where(before > 0, stays[-1] / np.maximum(before, 1e-300), 0.0) ** (1 / back)
    more = stays[-1] * kept ** np.arange(1, horizon - leads + 1)[:, None]
    return np.concatenate([stays, more])
