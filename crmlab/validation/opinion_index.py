"""What the index of a latent variable would be if every customer answered: from true opinions, by the planted items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.validation.expected_answers import expected_scores

if TYPE_CHECKING:
    from crmlab.validation.truth import Truth

__all__ = ["opinions_in", "true_index"]


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
    answers = []
    for code in asked.latents[latent].items:
        center = items[code]["intercept"] + items[code]["loading"] * opinions.to_numpy()
        answers.append(expected_scores(center, items[code]["error"]))
    return pd.Series(10 * np.mean(answers, axis=0), index=opinions.index)
