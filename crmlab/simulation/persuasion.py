"""Who can be persuaded, by what and through which channel: the latent traits behind the effects of campaigns."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.campaigns import CAMPAIGN_CHANNELS, GOALS
from crmlab.simulation.clock import generator
from crmlab.simulation.customers import People

__all__ = ["STRENGTH", "Persuasion", "chance_to_open", "parameters"]

# What a contact does to a mean customer, in log odds or log chance, once the message has been read: to the chance to
# want the product, to the hazard of leaving (with the sign turned), to the odds of coming back, of joining the club.
# A call says more than a message. Sizes are assumed; the response rates they lead to are compared in the tests.
STRENGTH = {
    "cross_sell": {"email": 0.9, "sms": 0.8, "phone": 2.2, "social": 0.7},
    "retention": {"email": 1.4, "sms": 1.2, "phone": 2.0, "social": 0.7},
    "win_back": {"email": 1.4, "sms": 1.2, "phone": 2.0, "social": 0.8},
    "activation": {"email": 1.8, "sms": 1.6, "phone": 2.0, "social": 1.5},
    "service": {"email": 0.0, "sms": 0.0, "phone": 0.0, "social": 0.0},
}
_MEAN, _SPREAD = 0.9, 0.7  # of persuadability: about one in ten of those who can be moved is moved the wrong way
_HEEDLESS = 0.2  # share that a channel never moves, each channel for itself
_LATENT = 0.55  # weight of each of the two latent traits, of the goal and of the channel; the rest is seen
_STRONGEST = 2.4
# Odds are not bounded above, so harm would outweigh good. In a field experiment contacted customers left 1.6 times as
# often (10.0 against 6.4 %: Ascarza, Iyengar and Schleicher 2016, Journal of Marketing Research 53).
_BACKFIRE = 0.4
# Weights of what the bank can see: age, digital affinity, price sensitivity (each about -2 to 2), tenure, main bank.
_OF_GOAL = {
    "cross_sell": (-0.20, 0.15, 0.25, -0.10, 0.20),
    "retention": (0.10, 0.00, -0.45, 0.25, 0.15),  # whoever compares prices is reminded to do so
    "win_back": (-0.10, 0.10, 0.35, 0.20, 0.00),
    "activation": (-0.15, 0.20, 0.35, 0.00, 0.15),
    "service": (0.0, 0.0, 0.0, 0.0, 0.0),
}
_OF_CHANNEL = {
    "email": (-0.10, 0.30, 0.0, 0.0, 0.0),
    "sms": (-0.20, 0.15, 0.0, 0.0, 0.0),
    "phone": (0.35, -0.20, 0.0, 0.10, 0.0),
    "social": (-0.30, 0.20, 0.0, 0.0, 0.0),
}
# Chance to open a message: at digital affinity 0, and what affinity 1 adds. Banks report that 20 to 35 % of their
# e-mails are opened; nearly all SMS are said to be read; a paid post is looked at by few. A call needs no opening.
_OPENS = {"email": (0.10, 0.32), "sms": (0.55, 0.30), "social": (0.06, 0.22)}


def parameters() -> dict[str, dict[str, float]]:
    """Return what campaigns do, as plain numbers: strength by goal and channel, spread, and the chances to open."""
    return {
        **{f"strength_{goal}": dict(by_channel) for goal, by_channel in STRENGTH.items()},
        "persuadability": {
            "mean": _MEAN,
            "spread": _SPREAD,
            "heedless_share": _HEEDLESS,
            "latent_weight": _LATENT,
            "strongest": _STRONGEST,
            "retention_backfire": _BACKFIRE,
        },
        **{f"opens_{channel}": {"base": low, "digital": more} for channel, (low, more) in _OPENS.items()},
    }


def chance_to_open(channel: str, digital: np.ndarray) -> np.ndarray:
    """Return the chance that a message is opened; 1 for a call, which always reaches the customer.

    >>> chance_to_open("email", np.array([0.0, 0.5])).round(2).tolist()
    [0.1, 0.26]
    """
    if channel not in _OPENS:
        return np.ones(len(digital))
    low, more = _OPENS[channel]
    return low + more * digital


class Persuasion:
    """Latent traits of the customers of a block, drawn when they join; who comes back brings the old ones along."""

    def __init__(self, seed: int, block: int) -> None:
        self._seed, self._block = seed, block
        self.traits = np.zeros((0, len(GOALS) + len(CAMPAIGN_CHANNELS)))
        self.is_heedless = np.zeros((0, len(CAMPAIGN_CHANNELS)), dtype=bool)

    def admit(self, people: People, month: int) -> None:
        """Draw the traits of those who joined since the last call."""
        known = len(self.traits)
        joining = len(people) - known
        rng = generator(self._seed, self._block, month, "campaigns")
        traits = rng.standard_normal((joining, self.traits.shape[1]))
        heedless = rng.random((joining, len(CAMPAIGN_CHANNELS))) < _HEEDLESS
        before = people.previous[known:]
        again = before >= 0
        traits[again], heedless[again] = self.traits[before[again]], self.is_heedless[before[again]]
        self.traits = np.concatenate([self.traits, traits])
        self.is_heedless = np.concatenate([self.is_heedless, heedless])

    def shift(self, goal: str, channel: str, people: People, who: np.ndarray, day: int) -> np.ndarray:
        """Return what the contact does to the log odds of the wanted act once the message is read.

        Zero for those whom the channel never moves; below zero for those who are better left alone.
        """
        age = (day - people.birth[who]) / 365.2425
        tenure = np.maximum(day - people.joined[who], 30) / 365.2425
        seen = np.stack(
            [
                (age - 47) / 17,
                (people.digital[who] - 0.6) / 0.25,
                (people.price[who] - 0.48) / 0.2,
                (np.log(tenure) - 1.8) / 0.9,
                people.is_main[who] - 0.46,
            ]
        )
        weight = np.array(_OF_GOAL[goal]) + np.array(_OF_CHANNEL[channel])
        at = CAMPAIGN_CHANNELS.index(channel)
        latent = self.traits[who, GOALS.index(goal)] + self.traits[who, len(GOALS) + at]
        mind = _MEAN + _SPREAD * (weight @ seen.clip(-2, 2) + _LATENT * latent)
        moved = np.clip(STRENGTH[goal][channel] * mind, -_STRONGEST, _STRONGEST)
        if goal == "retention":
            moved = np.where(moved < 0, _BACKFIRE * moved, moved)
        return np.where(self.is_heedless[who, at], 0.0, moved)
