"""How the value of all customers moves with what was assumed: discount, horizon, margins, costs, leaving."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.value.forecast.valued import ExpectedValue

__all__ = ["move_assumptions"]

_LAST = 3


def move_assumptions(
    value: ExpectedValue,
    *,
    discount_rates: tuple[float, float] = (0.04, 0.12),
    horizons: tuple[int, int] = (6, 36),
    margin_change: float = 0.1,
    cost_change: float = 0.5,
    leaving_times: tuple[float, float] = (0.5, 1.5),
) -> pd.DataFrame:
    """Value of all customers with one assumption moved at a time, the largest swing first.

    Parameters
    ----------
    value : ExpectedValue
    discount_rates : tuple of float
        Low and high, a year.
    horizons : tuple of int
        Short and long, months, 1 or more; beyond the horizon of `value` those who stay go on as in its last month.
    margin_change, cost_change : float
        Margins and costs less and more by this share, 0 to 1.
    leaving_times : tuple of float
        Hazard of leaving times these, 0 or more.

    Returns
    -------
    DataFrame
        ``assumption``, ``low_text``, ``high_text`` (settings), ``low_amount``, ``high_amount`` (value with them),
        ``base_amount``, ``swing_amount``. Costs that are not known have no row.

    Notes
    -----
    Settings, not probabilities: the swings say what to agree on before comparing values, not how sure a value is.
    """
    refuse(
        *([] if min(discount_rates) >= 0 else ["move_assumptions: a discount rate is below 0. Give 0 or more."]),
        *([] if min(horizons) >= 1 else ["move_assumptions: a horizon is below 1 month. Give 1 or more."]),
        *([] if min(leaving_times) >= 0 else ["move_assumptions: leaving_times is below 0. Give 0 or more."]),
        *([] if 0 <= margin_change <= 1 and 0 <= cost_change <= 1
          else ["move_assumptions: a change is outside 0 to 1. Give shares."]),
    )  # fmt: skip
    base, margins = _total(value), (-margin_change, margin_change)
    rate, horizon = value.discount_rate, value.horizon_months
    rows = [
        ("Discount rate", *[(f"{100 * r:.0f} %", _total(value, rate=r)) for r in discount_rates]),
        ("Horizon", *[(f"{h:d} months", _total(value, horizon=h)) for h in horizons]),
        ("Margins and fees", *[(f"{100 * c:+.0f} %", _total(value, margin=1 + c)) for c in margins]),
        ("Leaving", *[(f"x {times:g}", _total(value, leaving=times)) for times in leaving_times]),
    ]  # fmt: skip
    if np.any(value.if_stays[1]):
        costs = (cost_change, -cost_change)
        rows.append(("Costs and losses", *[(f"{100 * c:+.0f} %", _total(value, cost=1 + c)) for c in costs]))
    found = pd.DataFrame(
        [(name, low[0], high[0], low[1], high[1], base, abs(high[1] - low[1])) for name, low, high in rows],
        columns=["assumption", "low_text", "high_text", "low_amount", "high_amount", "base_amount", "swing_amount"],
    )
    found.attrs["base"] = f"{100 * rate:.0f} % a year, {horizon} months"
    return found.sort_values("swing_amount", ascending=False, kind="stable").reset_index(drop=True)


def _total(
    value: ExpectedValue,
    *,
    rate: float | None = None,
    horizon: int | None = None,
    margin: float = 1.0,
    cost: float = 1.0,
    leaving: float = 1.0,
) -> float:
    months = value.horizon_months if horizon is None else horizon
    stays = value.stays**leaving  # a hazard times k, month by month, is survival to the power k
    monthly = margin * value.if_stays[0] + cost * value.if_stays[1]
    if months > len(stays):
        back = min(_LAST, len(stays))
        before = stays[-1 - back] if back < len(stays) else np.ones(stays.shape[1])
        kept = np.where(before > 0, stays[-1] / np.maximum(before, 1e-300), 0.0) ** (1 / back)
        more = np.arange(1, months - len(stays) + 1)[:, None]
        ahead = float((stays * monthly).sum(axis=1) @ _discounts(value, rate, len(stays)))
        beyond = (stays[-1] * kept**more * monthly[-1]).sum(axis=1)
        return ahead + float(beyond @ _discounts(value, rate, months)[len(stays) :])
    return float((stays[:months] * monthly[:months]).sum(axis=1) @ _discounts(value, rate, months))


def _discounts(value: ExpectedValue, rate: float | None, months: int) -> np.ndarray:
    yearly = value.discount_rate if rate is None else rate
    return (1 + yearly) ** (-np.arange(1, months + 1) / 12)
