"""Everything the question on customer value starts from, for one bank on one day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import tried
from crmlab.snapshots import snapshot
from crmlab.value.forecast.expected import ValueForecast, forecast_days
from crmlab.value.forecast.judged import Judgement, calibration_by_tenths, judge_forecast
from crmlab.value.forecast.traits import TRAITS
from crmlab.value.forecast.valued import ExpectedValue
from crmlab.value.margin.losses import default_rates, expected_losses
from crmlab.value.margin.panel import MarginPanel, margin_panel
from crmlab.value.margin.past import past_value
from crmlab.value.margin.service import service_costs, service_use, unit_costs_of

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["OutOfTime", "ValueStudy", "out_of_time", "value_on"]

_YEAR = 12
_FEWEST_BEFORE = 6  # months before the day of an out-of-time forecast


@dataclass(frozen=True)
class ValueStudy:
    """Margin, cost, past value and expected value of a bank's customers.

    Parameters
    ----------
    panel : MarginPanel
        With ``service`` and ``expected loss`` where they are known.
    past : DataFrame
        From `crmlab.value.margin.past.past_value`.
    expected : ExpectedValue or None
        None where the bank's history is too short; `why` says so.
    margin_year : ExpectedValue or None
        Margin and fees of the next twelve month-ends, undiscounted, before costs: what a simulated bank knows to be
        true.
    why : str
        Why there is no expected value; empty where there is one.
    missing : tuple of str
        What is not known of this bank.
    """

    panel: MarginPanel
    past: pd.DataFrame
    expected: ExpectedValue | None
    margin_year: ExpectedValue | None
    why: str
    missing: tuple[str, ...]

    @property
    def currency(self) -> str:
        """Code of the bank's currency."""
        return self.panel.currency

    @property
    def has_costs(self) -> bool:
        """Costs of service are known; without them nobody seems to cost money."""
        return "service" in self.panel.parts

    @property
    def months(self) -> int:
        """Months that the past value covers."""
        return int(self.past.attrs["months"])

    @property
    def said(self) -> str:
        """What the data are, in a few sentences."""
        first, last = self.panel.months[0], self.panel.months[-1]
        lacks = f"Not known here: {'; '.join(self.missing)}." if self.missing else ""
        there = (
            f"{len(self.past):,} customer{'' if len(self.past) == 1 else 's'} on {last:%d %B %Y}; month-ends from "
            f"{first:%B %Y} to {last:%B %Y} ({len(self.panel.months)})."
        )
        return f"{there} {lacks}".rstrip()


@dataclass(frozen=True)
class OutOfTime:
    """A forecast made on an earlier day from what was known then, against what came.

    Parameters
    ----------
    judgement : Judgement
        Against "last year again".
    calibration : DataFrame
        From `calibration_by_tenths`.
    covered : DataFrame
        One row a tenth of the forecast: as `ExpectedValue.group_values`, with ``outcome_mean_amount``.
    covered_share : float
        Share of customers whose outcome lay within their own 80 % limits.
    as_of : Timestamp
    months : int
        Months judged.
    """

    judgement: Judgement
    calibration: pd.DataFrame
    covered: pd.DataFrame
    covered_share: float
    as_of: pd.Timestamp
    months: int


def value_on(
    bank: Bank,
    *,
    horizon_months: int = 12,
    discount_rate: float = 0.08,
    unit_costs: Sequence[float] | Mapping[str, float] = (),
    lost_shares: Mapping[str, float] | None = None,
    seed: int = 1,
) -> ValueStudy:
    """Compute past and expected value of a bank's customers.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    horizon_months, discount_rate, seed
        As in `ValueForecast`.
    unit_costs
        As in `crmlab.value.margin.service.unit_costs_of`.
    lost_shares
        As in `crmlab.value.margin.losses.expected_losses`.
    """
    margins = margin_panel(bank)
    if bank.has("transactions"):  # earlier months know balances, but not what was done
        margins = margins.since(bank.sql("select min(booked_on) from transactions").fetchall()[0][0])
    costs = unit_costs_of(unit_costs, bank.currency)
    missing = list(margins.missing)
    use = service_use(bank, margins)
    panel = margins
    if costs is None:
        missing.append(f"costs of service in {bank.currency}: give unit_costs")
    else:
        panel = panel.with_part("service", service_costs(use, costs))
    learned, steady, served = default_rates(bank, margins), {}, panel
    if learned is not None:
        losses = expected_losses(margins, learned, lost_shares=lost_shares)
        panel = panel.with_part("expected loss", losses)
        steady = {"expected loss": (losses[:, -1], 1 / np.sqrt(max(learned.defaults_count, 1)))}
    elif margins.owed.any():
        missing.append("how loans are repaid: expected losses are left out")
    past = past_value(panel, use=use if costs else None, unit_costs=costs)
    seen = snapshot(bank, [day.date() for day in forecast_days(panel)], list(TRAITS))
    forecast, why = tried(
        lambda: ValueForecast(horizon_months=horizon_months, discount_rate=discount_rate, seed=seed).fit(served, seen)
    )
    if forecast is None or not len(past):
        return ValueStudy(panel, past, None, None, why or "nobody is there", tuple(missing))
    year = ValueForecast(horizon_months=_YEAR, discount_rate=0.0, seed=seed).fit(margins, seen)
    expected = forecast.predict(served, seen, steady=steady)
    return ValueStudy(panel, past, expected, year.predict(margins, seen), "", tuple(missing))


def out_of_time(bank: Bank, study: ValueStudy, *, seed: int = 1) -> tuple[OutOfTime | None, str]:
    """Forecast from an earlier day and hold the forecast against what came, beside "last year again".

    Parameters
    ----------
    bank : Bank
    study : ValueStudy
        Of the same day.
    seed : int

    Returns
    -------
    tuple of (OutOfTime or None, str)
        None with the reason where the history is too short.

    Notes
    -----
    What is judged is margin and fees less service, undiscounted: an expected loss is no outcome. Everything is learned
    from months up to the earlier day.
    """
    parts = [place for place, name in enumerate(study.panel.parts) if name != "expected loss"]
    panel = replace(study.panel, parts=tuple(study.panel.parts[place] for place in parts),
                    amounts=study.panel.amounts[parts])  # fmt: skip
    months = len(panel.months)
    ahead = min(_YEAR, months // 3)
    if months - ahead < _FEWEST_BEFORE:
        return None, f"the history of {months} month-end(s) is too short to forecast from an earlier day"
    day = panel.months[months - ahead - 1]
    earlier = panel.until(day)
    seen = snapshot(bank, [one.date() for one in forecast_days(earlier)], list(TRAITS))
    forecast, why = tried(lambda: ValueForecast(horizon_months=ahead, discount_rate=0.0, seed=seed).fit(earlier, seen))
    if forecast is None:
        return None, why
    foreseen = forecast.predict(earlier, seen)
    if len(foreseen.frame) < 2:
        return None, "fewer than two customers were there on the earlier day"
    places = panel.customers.get_indexer(foreseen.frame.index)
    total = panel.total()[places]
    came, before = (
        total[:, months - ahead :].sum(axis=1),
        total[:, max(months - 2 * ahead, 0) : months - ahead].sum(axis=1),
    )
    value = foreseen.frame["value_amount"].to_numpy()
    judged = judge_forecast(came, value, before, unit=bank.currency, seed=seed)
    calibration = calibration_by_tenths(came, value)
    tenth = np.empty(len(value), dtype=int)
    for number, part in enumerate(np.array_split(np.argsort(value, kind="stable"), len(calibration)), start=1):
        tenth[part] = number
    covered = foreseen.group_values(tenth)
    covered["outcome_mean_amount"] = [came[tenth == number].mean() for number in covered["group"]]
    inside = (came >= foreseen.frame["outcome_low_amount"]) & (came <= foreseen.frame["outcome_high_amount"])
    return OutOfTime(judged, calibration, covered, float(inside.mean()), day, ahead), ""
