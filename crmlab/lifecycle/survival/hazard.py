"""The monthly chance to be lost, with drivers that change from month to month; held against later months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.lifecycle.stages.rules import ALIVE

__all__ = ["HazardModel", "held_out", "person_months"]

_MONTH_DAYS = 365.25 / 12
_RIDGE = 1e-3  # keeps a driver without events finite: a stage that nobody left yet
_REFERENCE = "maturity"


def person_months(
    stages: pd.DataFrame, moves: pd.DataFrame, joined_on: pd.Series, *, ends: Sequence[str] = ("lost",)
) -> pd.DataFrame:
    """Make one row a customer and month at risk, with what was known at its start.

    Parameters
    ----------
    stages : DataFrame
        As `crmlab.lifecycle.stages.on_dates.stages_on`.
    moves : DataFrame
        As `crmlab.lifecycle.chain.moves.moves_between` with a step of one month.
    joined_on : Series of datetime
        Indexed by ``customer_id``.
    ends : sequence of str
        Ends that count; others are censored.

    Returns
    -------
    DataFrame
        ``customer_id``, ``as_of``, ``happened`` (0 or 1 in the month that follows), and drivers: one ``is_<stage>`` for
        each stage but maturity, ``log_tenure`` (log of 1 + months since joining), ``log_months_in_stage``,
        ``has_assets`` and ``log_assets`` (log of 1 + amount over the median).
    """
    known = stages[["customer_id", "as_of", "months_in_stage", "assets_amount"]]
    rows = moves.merge(known, on=["customer_id", "as_of"], how="left")
    tenure = (rows["as_of"] - pd.to_datetime(rows["customer_id"].map(joined_on))).dt.days / _MONTH_DAYS
    amount = rows["assets_amount"].clip(lower=0)
    positive = amount > 0
    middle = amount.where(positive).groupby(rows["as_of"]).transform("median").fillna(1.0)
    drivers = {f"is_{stage}": (rows["from"] == stage).astype(float) for stage in ALIVE if stage != _REFERENCE}
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "as_of": rows["as_of"],
            "happened": rows["to"].isin(list(ends)).astype(int),
            **drivers,
            "log_tenure": np.log1p(tenure.clip(lower=0)),
            "log_months_in_stage": np.log(rows["months_in_stage"].clip(lower=1)),
            "has_assets": positive.astype(float),
            "log_assets": np.log1p(amount / middle),
        }
    )


@dataclass
class HazardModel:
    """Discrete-time hazard with a complementary log-log link: a proportional hazard seen by months.

    Parameters
    ----------
    drivers : sequence of str
        Columns used.

    Attributes
    ----------
    effects_ : DataFrame
        After `fit`: ``driver``, ``effect`` (log of the factor on the hazard), ``factor`` with ``factor_low``,
        ``factor_high`` (clustered by customer), ``intercept`` first.

    References
    ----------
    Prentice and Gloeckler (1978), Biometrics 34; Singer and Willett (1993), Journal of Educational Statistics 18; Liang
    and Zeger (1986), Biometrika 73, for months of one customer.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": [f"c{i}" for i in range(400)], "x": [0.0, 1.0] * 200})
    >>> rows["happened"] = [int(i % 10 == 0 or i % 10 in (1, 3, 5)) for i in range(400)]
    >>> HazardModel(("x",)).fit(rows).predict(rows).round(3).unique().tolist()
    [0.2, 0.6]
    """

    drivers: Sequence[str]

    def fit(self, rows: pd.DataFrame) -> HazardModel:
        """Learn from person-months: the drivers, ``happened`` and ``customer_id``."""
        lacking = [name for name in (*self.drivers, "happened", "customer_id") if name not in rows]
        refuse(
            *([f"HazardModel: the rows lack {lacking}; they have {list(rows.columns)}. Make them by person_months."]
              if lacking else []),
            *([] if lacking or 0 < rows["happened"].sum() < len(rows) else
              ["HazardModel: all rows have the same outcome. A hazard needs some ends and some months without."]),
        )  # fmt: skip
        x, y = self._design(rows), rows["happened"].to_numpy(float)
        self._centre, self._spread = x[:, 1:].mean(axis=0), x[:, 1:].std(axis=0)
        self._spread = np.where(self._spread > 0, self._spread, 1.0)
        z = self._scaled(x)
        beta, bread, scores = _fitted(z, y)
        codes = pd.factorize(rows["customer_id"])[0]
        summed = np.zeros((codes.max() + 1, z.shape[1]))
        np.add.at(summed, codes, scores)
        error = np.sqrt(np.diag(bread @ (summed.T @ summed) @ bread))
        self._beta = beta
        scale = np.append(1.0, self._spread)
        effect, error = beta / scale, error / scale
        wide = norm.ppf(0.975) * error
        self.effects_ = pd.DataFrame(
            {
                "driver": ["intercept", *self.drivers],
                "effect": effect,
                "factor": np.exp(effect),
                "factor_low": np.exp(effect - wide),
                "factor_high": np.exp(effect + wide),
            }
        )
        return self

    def predict(self, rows: pd.DataFrame) -> pd.Series:
        """Chance of the end in the month that follows, 0 to 1, same rows in the same order."""
        eta = self._scaled(self._design(rows)) @ self._beta
        return pd.Series(-np.expm1(-np.exp(np.clip(eta, -30, 3))), index=rows.index, name="p_lost")

    def _design(self, rows: pd.DataFrame) -> np.ndarray:
        return np.column_stack([np.ones(len(rows)), rows[list(self.drivers)].to_numpy(float)])

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return np.column_stack([x[:, 0], (x[:, 1:] - self._centre) / self._spread])


def _fitted(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fisher scoring with a slight ridge on all but the intercept; return effects, inverse information, row scores."""
    beta = np.zeros(z.shape[1])
    beta[0] = np.log(-np.log1p(-y.mean()))
    ridge = _RIDGE * np.append(0.0, np.ones(z.shape[1] - 1))
    best = _likelihood(z, y, beta, ridge)
    for _ in range(100):
        scores, information = _derivatives(z, y, beta, ridge)
        step = np.linalg.solve(information, scores.sum(axis=0) - ridge * beta)
        for _ in range(30):  # halve until it is no step back
            reached = _likelihood(z, y, beta + step, ridge)
            if reached >= best - 1e-12:
                break
            step = step / 2
        beta, best = beta + step, reached
        if np.abs(step).max() < 1e-9:
            break
    scores, information = _derivatives(z, y, beta, ridge)
    return beta, np.linalg.inv(information), scores


def _rate(z: np.ndarray, beta: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(z @ beta, -30, 3))


def _likelihood(z: np.ndarray, y: np.ndarray, beta: np.ndarray, ridge: np.ndarray) -> float:
    rate = _rate(z, beta)
    return float(np.where(y > 0, np.log(-np.expm1(-rate)), -rate).sum() - (ridge * beta**2).sum() / 2)


def _derivatives(z: np.ndarray, y: np.ndarray, beta: np.ndarray, ridge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of each row, and the expected information."""
    rate = _rate(z, beta)
    p = -np.expm1(-rate)
    slope = rate * np.exp(-rate)
    scores = z * (slope * (y - p) / (p * (1 - p)))[:, None]
    return scores, (z * (slope**2 / (p * (1 - p)))[:, None]).T @ z + np.diag(ridge)


def held_out(rows: pd.DataFrame, drivers: Sequence[str], *, last_months: int = 12) -> tuple[HazardModel, pd.DataFrame]:
    """Learn from the earlier months and predict the last ones.

    Parameters
    ----------
    rows : DataFrame
        As `person_months`.
    drivers : sequence of str
    last_months : int
        Starts kept for judging.

    Returns
    -------
    HazardModel
        Learned from the earlier months.
    DataFrame
        The last months with ``p_lost`` and ``p_naive`` (the rate of the earlier months for everybody).
    """
    days = np.sort(rows["as_of"].unique())
    if len(days) <= last_months:
        refuse(
            f"held_out: {len(days)} months are there, {last_months} would be kept for judging. Keep fewer, so that one"
            " month at least is left to learn from."
        )
    early = rows["as_of"] < days[-last_months]
    model = HazardModel(tuple(drivers)).fit(rows[early])
    late = rows[~early]
    return model, late.assign(p_lost=model.predict(late), p_naive=rows.loc[early, "happened"].mean())
