"""Whom a campaign may address: what the bank sees of a customer, consent, and the policy of contact."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.campaigns import CAMPAIGN_CHANNELS, GOALS, Campaign
from crmlab.simulation.customers import WORDS, People
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import LEFT, Relation

__all__ = ["REST_MONTHS", "SAME_GOAL_MONTHS", "Memory"]

REST_MONTHS = 3  # a customer chosen in one month is left alone for the next two, whichever the arm
SAME_GOAL_MONTHS = {"cross_sell": 3, "retention": 7, "win_back": 6, "activation": 6, "service": 6}
_ACTIVE_MONTHS = 3  # an act of the customer within the last three months
_SORE_MONTHS = 4  # a complaint within the last four
_LONG_AGO = -99
_ASSETS = [SLOTS.index(name) for name in ("current", "savings", "bonus", "term", "fund_low", "fund_high", "pension")]
_PAYING = [SLOTS.index(name) for name in ("current", "card")]  # points are for card payments
_DEBTS = [SLOTS.index(name) for name in ("loan", "mortgage")]
_WON_BACK_DAYS = (90, 730)  # three months to two years after leaving
_JUDGED_ASSETS = 2_000_000  # cents; the letters that were not randomised went to those with the most money


class Memory:
    """What the bank remembers of each customer of a block, from its own tables; months are numbers."""

    def __init__(self) -> None:
        self.contacted = np.zeros(0, dtype=np.int64)  # last chosen for a campaign, in either arm
        self.by_goal = np.zeros((0, len(GOALS)), dtype=np.int64)
        self.acted = np.zeros(0, dtype=np.int64)  # last booking the customer started
        self.complained = np.zeros(0, dtype=np.int64)

    def admit(self, people: People) -> None:
        """Make room for those who joined; the customers of the first day have acted just before, but for the silent."""
        known, size = len(self.contacted), len(people)
        more = np.full(size - known, _LONG_AGO)
        self.contacted = np.concatenate([self.contacted, more])
        self.complained = np.concatenate([self.complained, more])
        self.by_goal = np.concatenate([self.by_goal, np.full((size - known, len(GOALS)), _LONG_AGO)])
        acted = np.where(people.is_dormant[known:] | (known > 0), _LONG_AGO, -1)
        self.acted = np.concatenate([self.acted, acted])

    def hear(self, t: int, actors: np.ndarray, complainers: np.ndarray) -> None:
        """Remember who acted and who complained in a month."""
        self.acted[actors] = t
        self.complained[complainers] = t

    def choose(self, who: np.ndarray, goal: str, t: int) -> None:
        """Remember who was chosen, treated or held out: both arms must be met alike afterwards."""
        self.contacted[who] = t
        self.by_goal[who, GOALS.index(goal)] = t

    def eligible(self, campaign: Campaign, people: People, relation: Relation, accounts: Accounts) -> np.ndarray:
        """Say who may be chosen for a campaign on its first day, one flag a customer.

        Asks for consent to the channel, a relation of three months, no campaign within the rest period, and what the
        goal needs. Nothing latent enters: holdings, balances, bookings, complaints, tenure, age, risk assessment.
        """
        t = campaign.month
        free = people.consent[:, CAMPAIGN_CHANNELS.index(campaign.channel)] & ~people.is_guest
        free &= (self.contacted <= t - REST_MONTHS) & (people.joined <= campaign.started - 90)
        free &= self.by_goal[:, GOALS.index(campaign.goal)] <= t - SAME_GOAL_MONTHS[campaign.goal]
        if campaign.goal == "win_back":
            return free & _has_left(campaign, people, relation)
        free &= relation.status != LEFT
        acts = self.acted >= t - _ACTIVE_MONTHS
        if campaign.goal == "cross_sell":
            return free & acts & _lacks(campaign, people, relation, accounts)
        if campaign.goal == "retention":
            return free & self._seems_at_risk(campaign, people, relation, accounts)
        if campaign.goal == "activation":
            return free & acts & ~relation.member & (accounts.of[:, _PAYING] >= 0).any(axis=1)
        return free

    def _seems_at_risk(self, campaign, people: People, relation: Relation, accounts: Accounts) -> np.ndarray:
        """A complaint of the last months, or four of: under three years here, one product, no pay, no debt, no acts."""
        held = accounts.of >= 0
        points = (campaign.started - people.joined < 3 * 365).astype(np.int64) + (held.sum(axis=1) <= 1)
        points += ~relation.has_income
        points += ~held[:, _DEBTS].any(axis=1)
        points += self.acted < campaign.month - 2
        return (self.complained >= campaign.month - _SORE_MONTHS) | ((points >= 4) & held.any(axis=1))


def _has_left(campaign: Campaign, people: People, relation: Relation) -> np.ndarray:
    """Left by own decision some months ago and not back since."""
    back = np.zeros(len(people), dtype=bool)
    back[people.previous[people.previous >= 0]] = True
    since = campaign.started - relation.left
    by_choice = relation.left_reason == WORDS["left_reason"].index("customer")
    low, high = _WON_BACK_DAYS
    return (relation.status == LEFT) & by_choice & ~back & (since >= low) & (since <= high)


def _lacks(campaign: Campaign, people: People, relation: Relation, accounts: Accounts) -> np.ndarray:
    """Has nothing of the product's family, and the product would suit."""
    of = accounts.of
    suits = (of[:, campaign.family_slots] < 0).all(axis=1)
    age = (campaign.started - people.birth) / 365.2425
    name = SLOTS[campaign.slot]
    assets = accounts.held(accounts.balance, len(people))[:, _ASSETS].sum(axis=1)
    if name in ("term", "fund_low"):
        suits &= assets >= (300_000 if campaign.is_randomised else _JUDGED_ASSETS)
    if name == "fund_low":  # risk grade R3 asks for C3 or more, assessed before
        suits &= (people.assessed < campaign.started) & (people.risk_class >= 2)
    if name in ("card", "loan"):
        suits &= (of[:, 0] >= 0) & relation.has_income & (relation.arrears == 0) & (age >= 18) & (age < 75)
    if name == "loan":
        suits &= (age > 21) & (age < 64)
    return suits
