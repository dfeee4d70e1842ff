"""What each customer earned and cost the bank in the last year, with parts that add up to the cent."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.value.margin.panel import MarginPanel
from crmlab.value.margin.service import DRIVERS

__all__ = ["column_of", "past_value", "value_by_part"]


def column_of(part: str) -> str:
    """Name of a part's column.

    >>> column_of("term_deposit interest"), column_of("expected loss")
    ('term_deposit_interest_amount', 'expected_loss_amount')
    """
    return f"{part.replace(' ', '_')}_amount"


def past_value(
    panel: MarginPanel,
    *,
    months: int = 12,
    use: np.ndarray | None = None,
    unit_costs: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Add up margin, cost and expected loss of each customer over the last months.

    Parameters
    ----------
    panel : MarginPanel
        With its costs, if they are known.
    months : int
        Months counted, 1 or more; fewer where the panel has fewer.
    use, unit_costs : optional
        From `crmlab.value.margin.service`: the cost to serve is then told apart by channel.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: who is there at the last month-end. One column a part (``savings_interest_amount``,
        ``card_fee_amount``, ``service_branch_amount``, ..., costs below 0), then ``margin_amount`` (interest and fees),
        ``cost_amount`` (below 0), ``value_amount``. ``attrs["months"]`` says how many months are in it.

    Notes
    -----
    Every part is rounded to the cent and the totals are sums of the rounded parts, so no total differs from its parts.

    Examples
    --------
    >>> months = pd.DatetimeIndex(["2024-01-31", "2024-02-29"])
    >>> panel = MarginPanel(pd.Index(["a"], name="customer_id"), months, ("savings interest", "service"),
    ...                     np.array([[[1.004, 2.0]], [[-0.5, -0.5]]]), np.ones((1, 2), bool), np.zeros((0, 1, 2)), (),
    ...                     "EUR")
    >>> past_value(panel)[["savings_interest_amount", "service_amount", "value_amount"]].values.tolist()
    [[3.0, -1.0, 2.0]]
    """
    refuse(*([] if months >= 1 else [f"past_value: months is {months}. Give 1 or more."]))
    counted = min(months, len(panel.months))
    here = panel.is_there[:, -1]
    columns: dict[str, np.ndarray] = {}
    for place, name in enumerate(panel.parts):
        if name == "service" and use is not None and unit_costs is not None:
            for driver, cost in zip(DRIVERS, (unit_costs[one] for one in DRIVERS), strict=True):
                columns[f"service {driver}"] = -use[DRIVERS.index(driver), :, -counted:].sum(axis=1) * cost
        else:
            columns[name] = panel.amounts[place, :, -counted:].sum(axis=1)
    cents = {name: np.round(100 * values[here]).astype("int64") for name, values in columns.items()}
    nothing = np.zeros(int(here.sum()), dtype="int64")
    margin = sum((cents[name] for name in cents if name in panel.yields), nothing)
    cost = sum((cents[name] for name in cents if name not in panel.yields), nothing)
    frame = pd.DataFrame({column_of(name): values / 100 for name, values in cents.items()}, index=panel.customers[here])
    frame = frame.assign(margin_amount=margin / 100, cost_amount=cost / 100, value_amount=(margin + cost) / 100)
    frame.attrs["months"] = counted
    return frame


def value_by_part(past: pd.DataFrame) -> pd.DataFrame:
    """Total of each part over all customers.

    Parameters
    ----------
    past : DataFrame
        From `past_value`.

    Returns
    -------
    DataFrame
        ``part`` (in words), ``total_amount``, ``customers_count`` (with another amount than 0), yields first by size,
        then costs; the last row is the value.
    """
    parts = [name for name in past if name not in ("margin_amount", "cost_amount", "value_amount")]
    rows = [(name.removesuffix("_amount").replace("_", " "), float((past[name] * 100).round().sum() / 100),
             int((past[name] != 0).sum())) for name in parts]  # fmt: skip
    rows.sort(key=lambda row: -row[1])
    rows.append(("value", float((past["value_amount"] * 100).round().sum() / 100), len(past)))
    return pd.DataFrame(rows, columns=["part", "total_amount", "customers_count"])
