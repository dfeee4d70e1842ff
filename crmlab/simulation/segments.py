"""Why people differ in kind: how they bank (behaviour) and what they bank for (needs), drawn before any habit.

A segment is a cause, never a column. It shifts the centres of traits, habits and wishes; each person then scatters
around the centre, so that segments overlap as they do in a real bank.
"""

from __future__ import annotations

import numpy as np

__all__ = ["BEHAVIOUR", "HABITS", "NEEDS", "draw_behaviour", "draw_habits", "draw_needs", "lean", "parameters",
           "wanted"]  # fmt: skip

BEHAVIOUR = ("mobile_everyday", "online_planner", "branch_and_cash", "card_spender", "quiet_saver")
NEEDS = ("starter", "home_builder", "security_saver", "investor", "retirement")

# Log odds of each behaviour: constant, per 10 years of age above 45, per unit of log income above 2,000 euros, for
# those whose salary comes here. Young people bank by phone, old ones at the branch, and a second bank is mostly left
# alone (assumed; the age gradient of internet banking is that of Eurostat isoc_bde15cbc).
_BEHAVIOUR_ODDS = np.array([
    [0.45, -0.70, 0.00, 0.9],
    [0.25, -0.15, 0.35, 0.7],
    [-0.60, 0.70, -0.40, 0.9],
    [-0.25, -0.10, 0.60, 1.1],
    [1.60, 0.10, 0.10, -1.9],
])  # fmt: skip
# Log odds of each need: constant, per 10 years above 45, per unit of log wealth above 20,000 euros, in the years of
# founding a family (bell at 38), and near retirement (bell at 56); assumed.
_NEEDS_ODDS = np.array([
    [0.45, -0.45, -0.30, -0.2, -0.6],
    [-0.40, -0.25, 0.00, 2.2, 0.0],
    [0.30, 0.25, 0.10, -0.4, 0.0],
    [-0.20, -0.05, 0.65, 0.0, 0.0],
    [-0.55, 0.00, 0.00, 0.3, 1.7],
])  # fmt: skip
# Habit: scale, spread within a segment, centre by behaviour. `log` habits are multiples or counts a month at a bank
# that gets the salary, `logit` habits lie between 0 and 1, `shift` habits are added to a trait (all assumed).
_CENTRES: dict[str, tuple[str, float, tuple[float, ...]]] = {
    "card_pace": ("log", 0.30, (5.0, 3.0, 1.2, 10.5, 1.6)),
    "cash_pace": ("log", 0.35, (0.5, 0.6, 2.6, 0.7, 0.9)),
    "transfer_pace": ("log", 0.35, (2.0, 2.0, 0.7, 0.7, 0.9)),
    "login_pace": ("log", 0.40, (7.5, 4.0, 1.5, 2.2, 1.8)),
    "ticket": ("log", 0.22, (0.70, 1.30, 1.00, 1.25, 1.30)),
    "unsteadiness": ("log", 0.35, (0.25, 0.12, 0.20, 0.35, 0.60)),
    "liveliness": ("log", 0.00, (1.20, 1.05, 1.00, 1.25, 0.32)),
    "mobile": ("logit", 0.70, (2.0, -1.6, -0.3, 0.3, 0.0)),
    "desk": ("logit", 0.60, (-3.5, -3.5, -0.4, -3.0, -1.6)),
    "digital_shift": ("shift", 0.65, (1.2, 0.9, -2.6, 0.1, -0.2)),
    "thrift_shift": ("shift", 0.00, (0.00, 0.04, 0.01, -0.06, 0.02)),
    "price_shift": ("shift", 0.00, (0.0, 0.5, -0.3, -0.2, 0.1)),
}
HABITS = tuple(_CENTRES)
# Odds of holding and chances of wanting a slot, against the mean customer of that age, income and wealth (assumed).
_WANTS = {
    "current": (1.0, 1.0, 1.0, 1.0, 1.0),
    "savings": (0.3, 0.4, 4.0, 0.6, 0.4),
    "bonus": (0.3, 0.3, 4.0, 0.6, 0.3),
    "term": (0.05, 0.1, 12.0, 0.2, 0.2),
    "fund_low": (0.05, 0.15, 0.15, 9.0, 0.3),
    "fund_high": (0.05, 0.15, 0.05, 9.0, 0.15),
    "pension": (0.05, 0.2, 0.15, 0.4, 18.0),
    "card": (0.9, 1.2, 0.7, 1.2, 0.9),
    "loan": (0.8, 4.5, 0.3, 0.3, 0.5),
    "mortgage": (0.05, 9.0, 0.3, 0.5, 0.4),
    "insurance": (0.05, 12.0, 0.2, 0.3, 0.8),
}
_RISK_LEAN = (0.2, 0.0, -0.6, 1.1, -0.2)  # on the scale of the standard normal behind C1 to C5
# Shares on the first day that follow from the odds above, for the ages, incomes and wealth of `draw_people`.
_SHARES = {"behaviour": (0.192, 0.145, 0.238, 0.123, 0.302), "needs": (0.190, 0.208, 0.278, 0.140, 0.184)}


def draw_behaviour(rng: np.random.Generator, age: np.ndarray, income: np.ndarray, is_main: np.ndarray) -> np.ndarray:
    """Draw how each person banks.

    Parameters
    ----------
    rng : Generator
        Random numbers of the cohort.
    age : array of float
        Years.
    income : array of float
        Net income a month, euros.
    is_main : array of bool
        The salary comes here.

    Returns
    -------
    array of int8
        Positions in `BEHAVIOUR`.
    """
    facts = np.stack([np.ones(len(age)), (age - 45) / 10, np.log(income / 2000), is_main])
    return _drawn(rng, _BEHAVIOUR_ODDS, facts)


def draw_needs(rng: np.random.Generator, age: np.ndarray, wealth: np.ndarray) -> np.ndarray:
    """Draw what each person banks for, by life stage and wealth in euros; positions in `NEEDS`, int8."""
    family, late = np.exp(-(((age - 38) / 10) ** 2)), np.exp(-(((age - 56) / 9) ** 2))
    rich = np.log(np.maximum(wealth, 200) / 20_000)
    return _drawn(rng, _NEEDS_ODDS, np.stack([np.ones(len(age)), (age - 45) / 10, rich, family, late]))


def _drawn(rng: np.random.Generator, odds: np.ndarray, facts: np.ndarray) -> np.ndarray:
    """Draw from a multinomial logit."""
    weight = np.exp(odds @ facts)
    total = weight.cumsum(axis=0)
    return (rng.random(facts.shape[1]) * total[-1] >= total).sum(axis=0).astype(np.int8)


def draw_habits(rng: np.random.Generator, behaviour: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the habits of people around the centres of their segment.

    Parameters
    ----------
    rng : Generator
        Random numbers of the cohort.
    behaviour : array of int
        Positions in `BEHAVIOUR`.

    Returns
    -------
    dict of str to array
        One array of float a name in `HABITS`: card payments, cash, transfers and logins a month at a bank that gets
        the salary; multiples of the usual amount a payment and of the number of contacts (1: usual); standard
        deviation of the log of a month's pace; shares of mobile in digital use and of the counter in cash; shifts of
        digital affinity (log odds), thrift (share of income) and price sensitivity (log odds).

    Examples
    --------
    >>> habits = draw_habits(np.random.default_rng(1), np.array([0, 2]))
    >>> bool(habits["card_pace"][0] > habits["card_pace"][1]), bool(habits["desk"][0] < habits["desk"][1])
    (True, True)
    """
    z = rng.standard_normal((len(_CENTRES), len(behaviour)))
    drawn = {}
    for row, (name, (scale, spread, centres)) in enumerate(_CENTRES.items()):
        centre = np.asarray(centres)[behaviour]
        if scale == "log":
            drawn[name] = centre * np.exp(spread * z[row])
        else:
            drawn[name] = centre + spread * z[row]
            if scale == "logit":
                drawn[name] = 1 / (1 + np.exp(-drawn[name]))
    return drawn


def lean(needs: np.ndarray) -> np.ndarray:
    """Return how far needs shift the willingness to take risks, in standard deviations."""
    return np.asarray(_RISK_LEAN)[needs]


def wanted(slot: str, needs: np.ndarray) -> np.ndarray:
    """Return how much more (above 1) or less people want a slot than others of their age and means.

    >>> wanted("mortgage", np.array([NEEDS.index("home_builder")])).tolist()
    [9.0]
    """
    return np.asarray(_WANTS[slot])[needs]


def parameters() -> dict:
    """Return shares, odds and centres of the planted segments as plain numbers."""
    return {
        "behaviour_shares": _named(BEHAVIOUR, _SHARES["behaviour"]),
        "behaviour_odds": {
            name: _named(("constant", "age_10_years", "log_income", "is_main"), row)
            for name, row in zip(BEHAVIOUR, _BEHAVIOUR_ODDS, strict=True)
        },
        "habits": {
            name: {"scale": scale, "spread": spread, **_named(BEHAVIOUR, centres)}
            for name, (scale, spread, centres) in _CENTRES.items()
        },
        "needs_shares": _named(NEEDS, _SHARES["needs"]),
        "needs_odds": {
            name: _named(("constant", "age_10_years", "log_wealth", "family", "near_retirement"), row)
            for name, row in zip(NEEDS, _NEEDS_ODDS, strict=True)
        },
        "wants": {slot: _named(NEEDS, factors) for slot, factors in _WANTS.items()},
        "risk_lean": _named(NEEDS, _RISK_LEAN),
    }


def _named(names: tuple[str, ...], values: object) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))
