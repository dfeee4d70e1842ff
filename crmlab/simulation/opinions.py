"""What customers think of the bank: eight latent variables a month, from a path model and from what they live through.

The structure is that of the European and the Chinese customer satisfaction index (GB/T 19038-2009), with perceived
quality in three parts. Every coefficient is known, so an analysis of the surveys can be checked against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmlab.simulation.clock import Month
from crmlab.simulation.customers import People

if TYPE_CHECKING:
    from crmlab.simulation.relation import Relation

__all__ = [
    "FADING",
    "LATENTS",
    "PATHS",
    "experience",
    "foresee_satisfaction",
    "form_opinions",
    "live_with_the_bank",
    "parameters",
    "total_effect",
]

LATENTS = ("image", "expectations", "product_quality", "service_attitude", "handling_efficiency", "value",
           "satisfaction", "loyalty")  # fmt: skip
_AT = {name: position for position, name in enumerate(LATENTS)}
# Target: source: coefficient, in standard deviations of the latent variables. Signs and sizes near those of a Spanish
# bank's customers in 2004 (250 customers, data of R package plspm: partial least squares gives image to expectations
# .56, image to satisfaction .18, value to satisfaction .58, satisfaction to loyalty .47, image to loyalty .29); quality
# is split into three, and expectations to quality is lower than the .85 there, which cannot tell the two apart.
PATHS = {
    "expectations": {"image": 0.60},
    "product_quality": {"expectations": 0.65},
    "service_attitude": {"expectations": 0.60},
    "handling_efficiency": {"expectations": 0.55},
    "value": {"expectations": 0.15, "product_quality": 0.30, "service_attitude": 0.15, "handling_efficiency": 0.20},
    "satisfaction": {"image": 0.15, "expectations": 0.05, "product_quality": 0.15, "service_attitude": 0.20,
                     "handling_efficiency": 0.20, "value": 0.35},
    "loyalty": {"image": 0.25, "satisfaction": 0.50},
}  # fmt: skip
_MEMORY = 0.95  # of the slow disturbances from month to month: .54 from year to year (assumed)
FADING = 0.88  # of experiences from month to month: half is forgotten after five months (assumed)
_TRAIT = 0.85  # share of the variance of image that never changes (assumed)
# Variance that experiences add to the disturbances, measured over 12 banks; the slow part leaves them this room so that
# every latent variable has a standard deviation near 1.
_EXPERIENCE = {"product_quality": 0.01, "service_attitude": 0.01, "handling_efficiency": 0.025, "value": 0.015}
_FEE, _FEE_RISE = 0.03, 0.8  # loss of value a month with a fee, and in January, when fees rise, by price sensitivity
_BREAKDOWN = 0.9  # loss of product quality by a breakdown, by severity and digital affinity
_USUAL_INCIDENT = 0.056  # mean severity of a month: 8 % of months with .4 to 1.0 (see `market`)
_MISSED = 0.5  # loss of service attitude by a missed payment: letters, calls, costs


def _coefficients() -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients as a matrix, row = target, and the variances of the disturbances, total variance 1."""
    size = len(LATENTS)
    paths, cov, rest = np.zeros((size, size)), np.eye(size), np.ones(size)
    for target, sources in PATHS.items():
        row = _AT[target]
        for source, coefficient in sources.items():
            paths[row, _AT[source]] = coefficient
        cov[row, :row] = cov[:row, row] = paths[row, :row] @ cov[:row, :row]
        rest[row] = 1 - cov[row, :row] @ paths[row, :row]
    return paths, rest


_PATHS, _REST = _coefficients()
_SLOW = np.sqrt([1 - _TRAIT, *(_REST[_AT[name]] - _EXPERIENCE.get(name, 0.0) for name in LATENTS[1:])])


def form_opinions(rng: np.random.Generator, relation: Relation, people: People, n: int) -> None:
    """Form the opinions of this month, `relation.latents`, shape (n, 8), each with mean near 0 and sd near 1.

    A latent variable is the sum of its causes times their path coefficients and a disturbance; the disturbance is a
    slow autoregressive part, the fading sum of experiences and what measures in force add. Opinions hold for the whole
    month: what happens in it counts from the next month on, so cause comes before effect.
    """
    drawn = rng.standard_normal((n, len(LATENTS)))
    latents, slow, fresh = relation.latents[:n], relation.slow[:n], relation.fresh[:n]
    is_new = np.isnan(latents[:, :1])
    slow[:] = np.where(is_new, drawn, _MEMORY * slow + np.sqrt(1 - _MEMORY**2) * drawn)
    latents[:] = _SLOW * slow + fresh + relation.lift[:n]
    latents[:, 0] += np.sqrt(_TRAIT) * people.image[:n]
    for row in range(1, len(LATENTS)):
        latents[:, row] += latents[:, :row] @ _PATHS[row, :row]
    fresh *= FADING


def experience(relation: Relation, latent: str, who: np.ndarray | slice, change: np.ndarray) -> None:
    """Add experiences to the disturbance of a latent variable, in its standard deviations; `who` may repeat.

    An experience should be worth nothing on average given what was known before it (subtract what was to be expected):
    then disturbances have mean 0 whatever the customer's image, age or habits, and the path coefficients are what a
    regression of one latent variable on its causes finds.
    """
    np.add.at(relation.fresh[:, _AT[latent]], who, change)


def live_with_the_bank(
    relation: Relation, people: People, n: int, month: Month, incident: float, fees: np.ndarray, missed: np.ndarray
) -> None:
    """Let fees, breakdowns and missed payments of a month change what customers think, and annoy them.

    Parameters
    ----------
    incident : float
        Severity of a breakdown, 0 to 1.
    fees : array of float
        Fees of the month, cents.
    missed : array of bool
        Customers with a missed payment.
    """
    pays = (fees > 0) * people.price[:n]
    rises = month.of_year == 1  # every January
    # relative to the year's mean: value falls in January and recovers
    experience(relation, "value", slice(0, n), -_FEE_RISE * (rises - 1 / 12) * pays - _FEE * (pays - pays.mean()))
    change = -_BREAKDOWN * (incident - _USUAL_INCIDENT) * people.digital[:n]
    experience(relation, "product_quality", slice(0, n), change)
    experience(relation, "service_attitude", slice(0, n), -_MISSED * (missed - missed.mean()))
    relation.annoyance[:n] += (0.05 + 0.6 * rises) * pays + 0.4 * missed


def parameters() -> dict[str, dict]:
    """Return the path coefficients and how opinions move, as plain numbers."""
    return {
        "paths": {target: dict(sources) for target, sources in PATHS.items()},
        "disturbance_variance": {name: float(_REST[_AT[name]]) for name in LATENTS[1:]},
        "dynamics": {"memory": _MEMORY, "fading": FADING, "trait_share_of_image": _TRAIT},
        "experiences": {"fee": -_FEE, "fee_rise": -_FEE_RISE, "breakdown": -_BREAKDOWN, "missed_payment": -_MISSED},
    }


def total_effect(source: str, target: str) -> float:
    """Return what one unit more of a latent variable does to another over all paths, both in standard deviations.

    Notes
    -----
    With the matrix B of path coefficients the total effects are the cells of (I - B)^-1; 1 from a variable to itself.

    Examples
    --------
    Value reaches loyalty by satisfaction alone: .35 * .50.

    >>> round(total_effect("value", "loyalty"), 4), total_effect("loyalty", "value")
    (0.175, 0.0)
    """
    return float(np.linalg.inv(np.eye(len(LATENTS)) - _PATHS)[_AT[target], _AT[source]])


def foresee_satisfaction(relation: Relation, people: People, n: int, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of latent satisfaction 1 to `months` months ahead, given all that happened.

    Disturbances return to 0, the slow ones at `_MEMORY` and experiences at `FADING` a month; new experiences are worth
    nothing on average, and what they add to the variance is left out. Measures in force go on; later ones are unknown.

    Returns
    -------
    mean : array of float, shape (months, n)
    variance : array of float, shape (months, 1)
    """
    ahead = np.arange(1, months + 1)[:, None]
    weight = np.linalg.inv(np.eye(len(LATENTS)) - _PATHS)[_AT["satisfaction"]]
    slow = relation.slow[:n] @ (weight * _SLOW)
    fresh = relation.fresh[:n] @ weight
    lasting = weight[0] * np.sqrt(_TRAIT) * people.image[:n] + relation.lift[:n] @ weight
    mean = lasting + slow * _MEMORY**ahead + fresh * FADING ** (ahead - 1)
    return mean, (weight**2 * _SLOW**2).sum() * (1 - _MEMORY ** (2 * ahead))
