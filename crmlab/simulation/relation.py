"""The relation of each customer with the bank: what changes from month to month, and who has left."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.customers import NEVER, WORDS, People
from crmlab.simulation.opinions import LATENTS
from crmlab.simulation.products import SLOTS

__all__ = ["ACTIVE", "DYING", "LEAVING", "LEFT", "LIFE_EVENTS", "SILENT", "Relation"]

LIFE_EVENTS = ("job_loss", "job_change", "move", "marriage", "child", "divorce")
ACTIVE, LEAVING, SILENT, DYING, LEFT = range(5)
_UNEMPLOYED = WORDS["occupation"].index("unemployed")


class Relation:
    """What changes from month to month; one position a customer of the block, in the order of joining."""

    def __init__(self, people: People) -> None:
        size = len(people)
        dormant, leaving = people.is_dormant, people.is_leaving
        self.status = np.where(dormant, SILENT, np.where(leaving, LEAVING, ACTIVE)).astype(np.int8)
        # months until a leaving customer closes the accounts, and since leaving or silence began
        self.months_left = 2 + (3 * people.rhythm[:, 7]).astype(np.int64)
        self.months_in = np.where(dormant, 6 + 24 * people.rhythm[:, 7], 0).astype(np.int64)
        self.fade = np.where(dormant, 0.0, 1.0)  # factor on everything the customer starts
        # what the customer thinks this month, from slow disturbances and fresh experiences; empty until first formed
        self.latents = np.full((size, len(LATENTS)), np.nan)
        self.slow = np.zeros((size, len(LATENTS)))
        self.fresh = np.zeros((size, len(LATENTS)))
        self.lift = np.zeros((size, len(LATENTS)))  # what measures in force add to the disturbances
        self.has_income = people.is_main.copy()  # salary, pension or other income is paid here
        self.unpaid_months = np.full(size, 99)  # since a salary, pension or benefit was booked here
        self.jobless = np.where(people.occupation == _UNEMPLOYED, 6, 0).astype(np.int64)  # months still without work
        self.is_retired = people.occupation == WORDS["occupation"].index("retired")
        # what life did: months for which each kind of event still unsettles, and its traces
        self.recent = np.zeros((size, len(LIFE_EVENTS)), dtype=np.int8)
        self.employer = np.zeros(size, dtype=np.int64)  # employers so far, from 0
        self.pay = np.ones(size)  # factor on the income at joining
        self.pay_gap = np.zeros(size, dtype=np.int64)  # months still without pay between two jobs
        self.rent_level = np.ones(size)
        self.is_wed = people.marital == 1
        self.has_child = (people.rhythm[:, 3] < 0.45) & self.is_wed  # under 48: with child benefit
        self.reports = np.zeros(size)  # contacts expected this month to change the customer's data
        # financial stress: depth 0 to 1, cause (position, -1 for none), months it still lasts, months since it began
        self.stress = np.zeros(size)
        self.cause = np.full(size, -1, dtype=np.int8)
        self.stress_left = np.zeros(size, dtype=np.int64)
        self.since = np.zeros(size, dtype=np.int64)
        self.annoyance = np.zeros(size)  # fresh reasons to complain: fees, refusals, breakdowns
        self.grievance = np.zeros(size)  # complaints of the last months, fading
        self.arrears = np.zeros(size, dtype=np.int64)  # missed instalments in a row
        self.wish = np.full(size, -1, dtype=np.int64)  # slot the customer will open next month
        self.asked = np.zeros(size)  # share invited to the yearly survey where the customer is, 0 for not asked
        self.writes_chinese = np.full(size, -1, dtype=np.int8)  # -1: not drawn yet
        # what campaigns do to decisions: log factors on the chance to want a slot this month, and on the hazard of
        # leaving for some months
        self.push = np.zeros((size, len(SLOTS)))
        self.hold = np.zeros(size)
        self.hold_months = np.zeros(size, dtype=np.int64)
        self.taste = np.full((size, len(SLOTS)), np.nan)  # lot that decides on the product, once sales staff offer one
        # points programme: log odds of joining that an invitation adds this month; who is a member, and since when
        self.invite = np.zeros(size)
        self.member = np.zeros(size, dtype=bool)
        self.member_since = np.full(size, NEVER)
        self.returns = np.zeros(size, dtype=bool)  # has left and comes back next month, under a new number
        self.left = np.full(size, NEVER)
        self.left_reason = np.full(size, -1, dtype=np.int8)

    @property
    def satisfaction(self) -> np.ndarray:
        """Latent satisfaction of this month: mean near 0, standard deviation near 1; set by `form_opinions`."""
        return self.latents[:, LATENTS.index("satisfaction")]

    def admit(self, others: Relation) -> None:
        """Append the relation of customers who join."""
        for name, mine in vars(self).items():
            setattr(self, name, np.concatenate([mine, getattr(others, name)]))

    def leave(self, who: np.ndarray, day: np.ndarray, reason: str) -> None:
        """End the relation of customers on a day."""
        self.status[who] = LEFT
        self.fade[who] = 0.0
        self.left[who] = day
        self.left_reason[who] = WORDS["left_reason"].index(reason)
