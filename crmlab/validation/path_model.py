"""The path model of satisfaction from survey answers alone, by instrumental variables, and how true that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.stats import Estimate
from crmlab.validation.claims import Claim

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["estimates", "path_coefficients", "recover", "true_coefficients"]

_OCCASION = "yearly"


def estimates(bank: Bank) -> dict[str, Estimate]:
    """Return the path coefficients of a bank from the answers to its yearly survey.

    Parameters
    ----------
    bank : Bank
        A bank with table ``surveys``, answers to the questionnaire ``retail_bank``.

    Returns
    -------
    dict of str to Estimate
        See `path_coefficients`.
    """
    columns = ["response_id", "customer_id", "wave", "item", "score"]
    return path_coefficients(bank.frame("surveys", columns), read_questionnaire("retail_bank"))


def path_coefficients(answers: pd.DataFrame, questionnaire: Questionnaire) -> dict[str, Estimate]:
    """Estimate every path coefficient by instrumental variables, each equation by itself.

    Parameters
    ----------
    answers : DataFrame
        ``response_id``, ``customer_id``, ``wave``, ``item``, ``score``; rows of all occasions, in any order.
    questionnaire : Questionnaire
        Which items measure what, and the paths.

    Returns
    -------
    dict of str to Estimate
        ``<cause>_to_<effect>``: change of the effect's first item, in points, when the cause rises by what moves the
        cause's first item one point, the other causes of the equation held. Not a number where there are fewer than
        twice as many customers as an equation needs.

    Notes
    -----
    The first item of each latent variable stands for it and carries an error, so least squares would be biased. The
    mean of a cause's other items is its instrument: it shares the latent variable and not the error (Bollen 1996, with
    one instrument a cause, so that no bias comes from their number). Means by wave are taken out, for what moves all
    customers of a wave at once is no evidence on paths. Answers of one customer belong together: standard errors are
    those of the jackknife that leaves out one customer at a time, intervals those of Student's t with as many degrees
    of freedom as customers less one. Nothing is assumed about distributions; errors of different items, and of the
    equations, are taken to be independent. Responses without the first items of an equation are left out of it.

    References
    ----------
    Bollen, K. A. (1996). An alternative two stage least squares (2SLS) estimator for latent variable equations.
    Psychometrika 61(1), 109-121.
    Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust inference. Journal of Human
    Resources 50(2), 317-372.

    Examples
    --------
    >>> model = read_questionnaire("retail_bank")
    >>> rng = np.random.default_rng(1)
    >>> image = rng.normal(size=4000)
    >>> expectations = 0.5 * image + rng.normal(size=4000)
    >>> frame = pd.DataFrame({code: image + rng.normal(size=4000) for code in model.latents["image"].items})
    >>> for code in model.latents["expectations"].items:
    ...     frame[code] = expectations + rng.normal(size=4000)
    >>> frame = frame.assign(response_id=range(4000), customer_id=range(4000), wave="yearly 2024")
    >>> long = frame.melt(["response_id", "customer_id", "wave"], var_name="item", value_name="score")
    >>> found = path_coefficients(long, model)
    >>> found["image_to_expectations"].text
    '0.47 points (95 % interval 0.41 to 0.52 points, n = 4,000)'
    >>> found["image_to_loyalty"].text
    'not known (n = 0)'
    """
    wide = _wide(answers, questionnaire)
    found = {}
    for effect, causes in questionnaire.paths.items():
        first = [next(iter(questionnaire.latents[name].items)) for name in (effect, *causes)]
        others = {name: list(questionnaire.latents[name].items)[1:] for name in causes}
        instruments = pd.DataFrame({name: wide[codes].mean(axis=1) for name, codes in others.items()})
        complete = wide[first].notna().all(axis=1) & instruments.notna().all(axis=1)
        rows = pd.concat([wide.loc[complete, first], instruments[complete]], axis=1)
        rows = rows - rows.groupby(wide.loc[complete, "wave"]).transform("mean")
        customer = pd.factorize(wide.loc[complete, "customer_id"])[0]
        values = rows.to_numpy(dtype=float)
        split = 1 + len(causes)
        solved = _instrumental(values[:, 0], values[:, 1:split], values[:, split:], customer)
        for cause, (value, low, high) in zip(causes, solved, strict=True):
            found[f"{cause}_to_{effect}"] = Estimate(
                value,
                unit="points",
                low=low,
                high=high,
                n=len(rows),
                method="instrumental variables, jackknife over customers",
            )
    return found


def _wide(answers: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """One row a response to the yearly survey: customer, wave, and one column an item of the path model."""
    items = list(questionnaire.latent_of)
    wave = answers["wave"].astype(str)
    chosen = answers[wave.str.startswith(f"{_OCCASION} ") & answers["item"].isin(items)]
    scores = chosen.pivot(index="response_id", columns="item", values="score")
    scores = scores.reindex(columns=items).astype(float)
    who = chosen.drop_duplicates("response_id").set_index("response_id")[["customer_id", "wave"]]
    return scores.join(who.astype({"wave": str}))


def _instrumental(
    target: np.ndarray, causes: np.ndarray, instruments: np.ndarray, customer: np.ndarray
) -> list[tuple[float, float | None, float | None]]:
    """Solve one equation; value, low and high of each coefficient."""
    width, customers = causes.shape[1], int(customer.max(initial=-1)) + 1
    if customers < 2 * (width + 1):
        return [(float("nan"), None, None)] * width
    left, right = np.zeros((customers, width, width)), np.zeros((customers, width))
    np.add.at(left, customer, instruments[:, :, None] * causes[:, None, :])
    np.add.at(right, customer, instruments * target[:, None])
    all_left, all_right = left.sum(axis=0), right.sum(axis=0)
    value = np.linalg.solve(all_left, all_right)
    without = np.linalg.solve(all_left - left, (all_right - right)[:, :, None])[:, :, 0]
    error = np.sqrt((customers - 1) / customers * ((without - value) ** 2).sum(axis=0))
    reach = stats.t.ppf(0.975, customers - 1) * error
    return [(float(one), float(one - by), float(one + by)) for one, by in zip(value, reach, strict=True)]


def true_coefficients(parameters: dict[str, dict], questionnaire: Questionnaire) -> dict[str, float]:
    """Return the true value of every estimate, from the parameters of the simulation.

    A path coefficient is in standard deviations of the latent variables; times the loading of the effect's first item,
    over that of the cause's first item, it is in their points.

    Parameters
    ----------
    parameters : dict
        Sections ``opinions`` and ``surveys`` of the truth's parameters.
    questionnaire : Questionnaire
        Says which item is the first.
    """
    items = parameters["surveys"]["items"]
    points = {name: items[next(iter(latent.items))]["loading"] for name, latent in questionnaire.latents.items()}
    return {
        f"{cause}_to_{effect}": coefficient * points[effect] / points[cause]
        for effect, causes in parameters["opinions"]["paths"].items()
        for cause, coefficient in causes.items()
    }


def recover(bank: Bank, truth: Truth) -> list[Claim]:
    """Put the true path coefficients beside those found in the answers.

    Parameters
    ----------
    bank : Bank
        A simulated bank.
    truth : Truth
        Its truth.
    """
    questionnaire = read_questionnaire("retail_bank")
    true = true_coefficients(truth.parameters, questionnaire)
    how = "Path coefficient of the simulation times the loading of the effect's first item, over that of the cause's."
    title = {name: latent.title["en"] for name, latent in questionnaire.latents.items()}
    labels = {
        f"{cause}_to_{effect}": f"{title[cause]} to {title[effect].lower()}"
        for effect, causes in questionnaire.paths.items()
        for cause in causes
    }
    return [Claim("path model", name, labels[name], found, true[name], how) for name, found in estimates(bank).items()]
