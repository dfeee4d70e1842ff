"""What the index of a latent variable would be if every customer answered: from true opinions, by the planted items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.bank.questionnaire import read_questionnaire

if TYPE_CHECKING:
    from crmlab.validation.truth import Truth

__all__ = ["expected_answer", "opinions_in", "true_index"]


def expected_answer(latent: np.ndarray, *, intercept: float, loading: float, error: float, low: int, high: int):
    """Mean answer to an item: a noisy reading of the opinion, rounded and cut at the ends of the scale.

    Parameters
    ----------
    latent : ndarray
        Opinions, standard deviations.
    intercept, loading, error : float
        Answer of a customer with an average opinion, points a standard deviation, standard deviation of the error.
    low, high : int
        Ends of the scale.

    Returns
    -------
    ndarray
        Points of the scale.

    Notes
    -----
    low + sum over the answers a above it of P(reading > a - 1/2).

    Examples
    --------
    Far from the ends only rounding is left, and a reading of 12 is cut to 10:

    >>> given = {"loading": 1.0, "error": 0.5, "low": 0, "high": 10}
    >>> expected_answer(np.array([0.0, 7.0]), intercept=5.0, **given).round(3).tolist()
    [5.0, 10.0]
    """
    middle = intercept + loading * np.asarray(latent, dtype=float)
    steps = np.arange(low + 1, high + 1) - 0.5
    return low + norm.sf((steps - middle[..., None]) / error).sum(axis=-1)


def opinions_in(truth: Truth, month: object) -> pd.DataFrame:
    """Return the true opinions of all customers there in a month: index ``customer_id``, one column a latent variable.

    Parameters
    ----------
    truth : Truth
        Of a simulated bank.
    month : date
        Any day of the month; opinions hold for the whole of it.
    """
    latents = list(read_questionnaire("retail_bank").latents)
    first = pd.Timestamp(month).to_period("M")
    frame = truth.table("months", columns=["customer_id", *latents], months=(first.start_time, first.end_time))
    return frame.set_index("customer_id").astype(float)


def true_index(truth: Truth, opinions: pd.Series, latent: str) -> pd.Series:
    """Expected index, 0 to 100, of each customer, from true opinions.

    Parameters
    ----------
    truth : Truth
        Its parameters hold the items.
    opinions : Series of float
        Of the latent variable, standard deviations.
    latent : str
        Its name.

    Notes
    -----
    The items of a latent variable count alike; the frozen weights of an analysis differ from that by little, for the
    items are about equally good. Who answers is left aside: satisfied customers answer more often, in every wave.
    """
    asked = read_questionnaire("retail_bank")
    items = truth.parameters["surveys"]["items"]
    low, high = asked.scale.low, asked.scale.high
    answers = [
        expected_answer(opinions.to_numpy(), low=low, high=high, **items[code]) for code in asked.latents[latent].items
    ]
    return pd.Series(100 * (np.mean(answers, axis=0) - low) / (high - low), index=opinions.index)
