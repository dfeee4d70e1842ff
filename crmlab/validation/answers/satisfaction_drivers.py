"""What is true of the numbers of notebook 21: what to improve first, for whom, and what it is worth."""

from __future__ import annotations

import numpy as np

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.validation.case import Case, Known, TrueValue, Unknown

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS", "total_effects"]

NOTEBOOK = "21_satisfaction_drivers"
_QUESTIONNAIRE = read_questionnaire("retail_bank")
_FIRST_TARGET = "satisfaction"


def total_effects(paths: dict[str, dict[str, float]], names: list[str]) -> np.ndarray:
    """Add up planted effects along all ways, shape (cause, effect), in standard deviations.

    Examples
    --------
    >>> total_effects({"b": {"a": 0.5}, "c": {"a": 0.2, "b": 0.4}}, ["a", "b", "c"])[0].tolist()  # .2 + .5 x .4
    [0.0, 0.5, 0.4]
    """
    matrix = np.array([[paths.get(effect, {}).get(cause, 0.0) for effect in names] for cause in names])
    return (np.linalg.inv(np.eye(len(names)) - matrix) - np.eye(len(names))).round(12)


def _path(cause: str, effect: str) -> TrueValue:
    def known(case: Case) -> Known | Unknown:
        planted = case.truth.parameters["opinions"]["paths"].get(effect, {}).get(cause)
        if planted is None:
            return Unknown("No such path is planted.")
        return Known(float(planted), "Planted: path coefficient between latent opinions, in standard deviations.")

    return known


def _explained(effect: str) -> TrueValue:
    def known(case: Case) -> Known | Unknown:
        rest = case.truth.parameters["opinions"]["disturbance_variance"].get(effect)
        if rest is None:
            return Unknown("Nothing is planted that acts on it.")
        return Known(1 - float(rest), "Planted: 1 less the share of the latent opinion's variance that is its own.")

    return known


def _importance(cause: str) -> TrueValue:
    def known(case: Case) -> Known | Unknown:
        target = case.parameters.get("target") or _FIRST_TARGET
        planted, items = case.truth.parameters["opinions"]["paths"], case.truth.parameters["surveys"]["items"]
        names = list(_QUESTIONNAIRE.latents)
        if target not in names:
            return Unknown("The target is none of the planted opinions.")
        effect = total_effects(planted, names)[names.index(cause), names.index(target)]
        points = {
            name: np.mean([items[item]["loading"] for item in _QUESTIONNAIRE.latents[name].items])
            for name in (cause, target)
        }
        return Known(
            float(effect * points[target] / points[cause]),
            "Planted: sum over all ways of the products of path coefficients, times the mean loading of the target's "
            "items over that of the driver's.",
        )

    return known


TRUTHS: dict[str, TrueValue] = (
    {
        f"{cause}_to_{effect}": _path(cause, effect)
        for effect, causes in _QUESTIONNAIRE.paths.items()
        for cause in causes
    }
    | {f"r2_{effect}": _explained(effect) for effect in _QUESTIONNAIRE.paths}
    | {f"importance_{name}": _importance(name) for name in _QUESTIONNAIRE.latents}
)
_LEAVING = (
    "Planted is what latent satisfaction does to the chance of leaving in a month. What the index of one day goes with "
    "over a year follows from how opinions fade and from the errors of the items, and no parameter states it."
)
_MONEY = "Margins follow from balances and fees; what a leaver would have brought was never seen by anybody."
_INDEX = "Of all customers the index is held against the truth on the page of the index; here it is the same number."
NO_TRUTH: dict[str, str] = {
    "joined_*": "Opinions were joined because these answers cannot tell them apart; the simulation keeps them apart.",
    "first_share": "How often the same dimension comes first depends on how many answered; nothing planted states it.",
    "target_index": _INDEX,
    "performance_*": _INDEX,
    "paths_compared": "How many comparisons are allowed depends on the groups asked for and on who answered.",
    "paths_different": (
        "The planted paths are the same for everybody, so a difference found is a false alarm; by chance one bank in "
        "twenty shows some. It is a count and no interval, so it is not judged with the plain counts."
    ),
    "left_share": "Who leaves of all customers is held against the truth on other pages; these are those who answered.",
    "odds_ratio": _LEAVING,
    "kept_share": _LEAVING,
    "kept_amount": _MONEY,
    "margin_of_a_point": _MONEY,
    "point_amount_*": _MONEY,
    "smallest_rise": "A property of the planned trial, not of the bank.",
}
