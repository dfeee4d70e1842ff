"""The effect of a contact: the chance of the wanted act with it and without it, and the odds to come back uninvited.

A message works only when it is read, so the chance if treated is taken over whether it is read. Chances to want a
product, to join and to return are exact. The chance to stay is that of the hazards as they are in the month of the
contact; they move during the half year of the window, and over many contacts the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.simulation.campaigns import WINDOW_MONTHS
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import WORDS, People
from crmlab.simulation.leaving import DELAY_MONTHS, Chances
from crmlab.simulation.relation import DYING, LEAVING, LEFT, SILENT, Relation
from crmlab.simulation.wishes import competing, rates_behind

__all__ = [
    "HOLD_MONTHS",
    "Outlook",
    "chances_to_join",
    "chances_to_open",
    "chances_to_return",
    "chances_to_stay",
    "log_odds_to_return",
    "logistic",
    "parameters",
    "successors",
]

HOLD_MONTHS = 3  # months in which a contact of retention changes the hazard
# Share of the decisions to close, by months since the contact, that show as closed accounts when the window ends
_SEEN = tuple(
    min(1.0, (WINDOW_MONTHS["retention"] - later - DELAY_MONTHS[0]) / (DELAY_MONTHS[1] - DELAY_MONTHS[0] + 1))
    for later in range(WINDOW_MONTHS["retention"] - DELAY_MONTHS[0])
)
_SILENT_MONTHS = 24  # the silence of who was silent for longer may end within the window, by the bank
# Monthly log odds to come back uninvited, change a month since leaving, and for whom it was the main bank (assumed)
_RETURNS = {"level": -4.9, "month": -0.05, "main_bank": 0.6}
_RETURN_MONTHS, _RETURN_AGE = 60, 85
_BY_CHOICE = WORDS["left_reason"].index("customer")

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Outlook:
    """Chances of this month, one value a customer, as they were with what campaigns did.

    `leaving` is to decide to close or to fall silent; `wanted`, shape (customers, slots), to want each slot; `joining`
    to join the loyalty programme.
    """

    leaving: Chances
    wanted: np.ndarray
    joining: np.ndarray


def parameters() -> dict[str, dict[str, float]]:
    """Return the odds to come back and the months of an effect on the hazard, as plain numbers."""
    return {"returns": dict(_RETURNS), "hold": {"months": HOLD_MONTHS}}


def logistic(score: np.ndarray) -> np.ndarray:
    """Turn log odds into a chance.

    >>> float(logistic(np.array(0.0)))
    0.5
    """
    return 1 / (1 + np.exp(-score))


def _over_reading(p_open: np.ndarray, read: np.ndarray, unread: np.ndarray) -> Pair:
    """Chance if treated, over whether the message is read, and if held out."""
    return p_open * read + (1 - p_open) * unread, unread


def chances_to_open(
    wanted: np.ndarray, sold: int, family: list[int], shift: np.ndarray, is_reached: np.ndarray, p_open: np.ndarray
) -> Pair:
    """Return the chances to want any slot of a family, if treated and if held out.

    Parameters
    ----------
    wanted : array, shape (contacts, slots)
        Chances to want each slot, as they were with the contact for those who were reached.
    sold : int
        Slot that the campaign sells; the rate of wishing for it is multiplied by ``exp(shift)``.
    family : list of int
        Slots that count, `sold` among them.
    shift, is_reached, p_open : array, one value a contact
        Log factor once the message is read; whether it was; chance that it is.

    Examples
    --------
    >>> wanted = np.array([[0.02, 0.01]])  # slot 0 was doubled by the contact
    >>> doubled = np.log(np.array([2.0])), np.array([True]), np.array([0.5])
    >>> [chance.round(3).tolist() for chance in chances_to_open(wanted, 0, [0, 1], *doubled)]
    [[0.025], [0.02]]
    """
    rates = rates_behind(wanted)
    rates[:, sold] /= np.exp(np.where(is_reached, shift, 0.0))
    unread = competing(rates)[:, family].sum(axis=1)
    rates[:, sold] *= np.exp(shift)
    return _over_reading(p_open, competing(rates)[:, family].sum(axis=1), unread)


def chances_to_join(
    joining: np.ndarray, counts: np.ndarray, shift: np.ndarray, is_reached: np.ndarray, p_open: np.ndarray
) -> Pair:
    """Return the chances to join the programme after the contact, if treated and if held out.

    Parameters
    ----------
    joining : array
        Chances to join this month, as they were with the contact for those who were reached.
    counts : array
        Share of the month after the contact: who joins uninvited does so on any day. The invited join later in it.
    shift, is_reached, p_open : array
        As for `chances_to_open`.

    Examples
    --------
    >>> half, doubled = np.array([0.5]), (np.log(np.array([2.0])), np.array([True]), np.array([1.0]))
    >>> [chance.round(3).tolist() for chance in chances_to_join(np.array([0.5]), half, *doubled)]
    [[0.5], [0.167]]
    """
    odds = joining / (1 - joining) / np.exp(np.where(is_reached, shift, 0.0))
    invited, alone = (odds * factor / (1 + odds * factor) for factor in (np.exp(shift), 1.0))
    return _over_reading(p_open, np.where(shift != 0, invited, counts * alone), counts * alone)


def chances_to_return(level: np.ndarray, shift: np.ndarray, p_open: np.ndarray) -> Pair:
    """Return the chances to come back next month, if treated and if held out, from log odds."""
    return _over_reading(p_open, logistic(level + shift), logistic(level))


def chances_to_stay(
    leaving: Chances,
    who: np.ndarray,
    relation: Relation,
    shift: np.ndarray,
    is_reached: np.ndarray,
    p_open: np.ndarray,
) -> Pair:
    """Return the chances that the accounts are still there at the end of the window, if treated and if held out.

    Those who had decided to close before are gone by then, whatever the bank says; whoever fell silent is still there.
    """
    close, silence, status = leaving.close[who], leaving.silence[who], relation.status[who]
    calm = _shifted(close, silence, np.where(is_reached, shift, 0.0))
    unread, read = _stays(calm, calm), _stays(_shifted(*calm, -shift), calm)
    decided = close + silence == 0  # before this month: who decides this month had a chance to
    ended = (decided & (status == LEAVING)) | (status == DYING) | (status == LEFT)
    asleep = decided & (status == SILENT)
    fate = np.where(ended, 0.0, np.where(asleep, relation.months_in[who] < _SILENT_MONTHS, np.nan))
    read, unread = (np.where(np.isnan(fate), chance, fate) for chance in (read, unread))
    return _over_reading(p_open, read, unread)


def _shifted(close: np.ndarray, silence: np.ndarray, by: np.ndarray) -> Pair:
    """Multiply the odds of both decisions against staying by the exponential of a number."""
    factor = np.exp(by)
    whole = 1 + (close + silence) * (factor - 1)
    return close * factor / whole, silence * factor / whole


def _stays(held: Pair, calm: Pair) -> np.ndarray:
    """Chance not to have closed when the window ends: hazards `held` for the first months and `calm` later.

    A decision shows as a closing some months later, so those of the last months show in part or not at all.
    """
    undecided, gone = np.ones(len(held[0])), np.zeros(len(held[0]))
    for later, seen in enumerate(_SEEN):
        close, silence = held if later < HOLD_MONTHS else calm
        gone += undecided * close * seen
        undecided = undecided * (1 - close - silence)
    return 1 - gone


def log_odds_to_return(month: Month, people: People, relation: Relation) -> np.ndarray:
    """Return the log odds to come back next month uninvited; minus infinity for those who cannot."""
    months = (month.last - relation.left) / 30.4
    age = (month.first - people.birth) / 365.2425
    can = (relation.status == LEFT) & (relation.left_reason == _BY_CHOICE) & ~people.is_guest
    can &= (months <= _RETURN_MONTHS) & (age < _RETURN_AGE) & (successors(people) < 0)
    score = _RETURNS["level"] + _RETURNS["month"] * np.clip(months, 0, _RETURN_MONTHS)
    return np.where(can, score + _RETURNS["main_bank"] * people.is_main, -np.inf)


def successors(people: People) -> np.ndarray:
    """Return the position under which each customer came back, -1 for none."""
    again = np.flatnonzero(people.previous >= 0)
    successor = np.full(len(people), -1, dtype=np.int64)
    successor[people.previous[again]] = again
    return successor
