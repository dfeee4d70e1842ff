"""True expected value: what each customer will yield the bank over the next twelve month-ends, in euros.

Yield is what feature ``margin_12m_amount`` counts: at every month-end the absolute balance of each open account times
the product's margin / 12, and its monthly fee. The expectation is a formula of the true state, with h = 12 months::

    value = sum over s = 1..h of A(s) m(s)  +  sum over j = 1..h-1 of A(j) [c(j) C(h-j) + q(j) Q(h-j)]  +  adoption
    A(s)  = (chance to live to the month before s) x (chance not to have decided to leave before the end of month s)

m(s) is the yield of the accounts held, s months ahead, of who stays; c(j) and q(j) are the chances to decide in month j
to close and to fall silent; C(r) and Q(r) are what leavers yield in r months while their money goes. Satisfaction,
grievance, the competitors' gap and life events return to their means as they do in the simulation; balances grow by
what the flows leave on average. Who has decided already has only C or Q, from where they stand; who has left, nothing.
"""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import People
from crmlab.simulation.leaving import CLOSING, DELAY_MONTHS, SILENCE, churn_hazard
from crmlab.simulation.leaving import parameters as leaving_parameters
from crmlab.simulation.life import EVENT_MONTHS, LIFE_EVENTS, death_chance
from crmlab.simulation.life import parameters as life_parameters
from crmlab.simulation.opinions import foresee_satisfaction
from crmlab.simulation.products import CATALOGUE, SLOTS
from crmlab.simulation.relation import ACTIVE, LEAVING, SILENT, Relation
from crmlab.simulation.savings import HOARDERS
from crmlab.simulation.wishes import adoption_chance, competing

__all__ = ["HORIZON", "NOTED_IN", "Prospects", "parameters"]

HORIZON = 12  # months
NOTED_IN = (6, 12)  # months of the year
_MARGIN = np.array([product.margin for product in CATALOGUE]) / 12
_FEE = np.array([product.fee for product in CATALOGUE])
_SLOT_MARGIN = np.array([np.mean([p.margin for p in CATALOGUE if p.slot == slot]) for slot in SLOTS]) / 12
_SLOT_FEE = np.array([next(p.fee for p in CATALOGUE if p.slot == slot) for slot in SLOTS])
_CURRENT, _SAVINGS, _BONUS, _TERM, _LOW, _HIGH, _PENSION, _CARD, _LOAN, _MORTGAGE = range(10)
_LEFT_AFTER_A_MONTH = 0.5  # of savings: those who leave take 35 to 65 % a month (see `savings.take_away`)
_LEFT_ON_CURRENT = 0.55  # they pay out 45 % of the current account a month, and spend less and less of it
_DRAINED_AFTER = 6  # months in which they do
_ENDS_AFTER = leaving_parameters()["dormant_months"]["until_the_bank_ends_it"]
_COMPLAINTS = 0.004  # complaints a customer and month
_HURT = 0.9  # grievance of one, on average
_GRIEVANCE_KEPT, _GAP_KEPT = 0.75, 0.8  # a month, of grievance and of the competitors' gap
_USUAL_PRICE = 0.4
# How balances of those who stay move a month: share of the balance, and of the income, of customers whose income is
# paid here and of others. Averages of the flows in `savings`, `movements` and `transactions`, measured
# over 8 banks; purchases from savings, instalments and maturities are computed.
_GROWTH = {
    _CURRENT: (0.004, 0.030, -0.025, 0.026), _SAVINGS: (0.003, 0.110, 0.001, 0.008),
    _BONUS: (0.0045, 0.110, 0.004, 0.002), _LOW: (0.005, 0.070, 0.0045, 0.006), _HIGH: (0.0085, 0.030, 0.0085, 0.0),
    _PENSION: (0.0035, 0.030, 0.0035, 0.001), _CARD: (0.0, 0.006, 0.0, 0.0),
}  # fmt: skip
_BACK_TO_USUAL = {_CURRENT: 0.984, _CARD: 0.92}  # a month, of what stands above the mean of the last year
# Who does not hoard puts what lies far above the buffer aside within months (see `savings.put_aside`): how many incomes
# are far, and the share still there a month later for those with savings here, and for those who send it elsewhere.
_FAR_INCOMES, _STILL_HERE, _STILL_HERE_ALONE = 8.0, 0.55, 0.78
# chance a month to buy something large, share of savings that it takes, incomes at most (see `savings`)
_PURCHASE, _PURCHASE_SHARE, _PURCHASE_INCOMES = 0.045, 0.247, 15


class Prospects:
    """Follows what one block's customers usually have on current account and card, and foresees their yield."""

    def __init__(self, customers: int) -> None:
        self._usual = np.full((customers, 2, 12), np.nan)  # cents at the last twelve month-ends

    def see_balances(self, accounts: Accounts, n: int, month: int) -> None:
        """Remember the month-end of current account and card."""
        new = n - len(self._usual)
        if new:
            self._usual = np.concatenate([self._usual, np.full((new, 2, 12), np.nan)])
        of = accounts.of[:n][:, [_CURRENT, _CARD]]
        self._usual[:, :, month % 12] = np.where(of >= 0, np.abs(accounts.balance[of]), np.nan)

    def expect(
        self, people: People, relation: Relation, accounts: Accounts, month: Month, market: dict[str, float]
    ) -> np.ndarray:
        """Return the expected yield of the twelve month-ends after a month, euros, given all that happened in it.

        Parameters
        ----------
        people, relation, accounts
            The block at the end of the month.
        month : Month
            The month.
        market : dict of str to float
            The market of the month.
        """
        n = len(people)
        status = relation.status[:n]
        paths = self._paths(people, relation, accounts, month)
        stays = paths["margin"].sum(axis=2) + paths["fee"].sum(axis=1)  # shape (months, customers), euros
        fading = _fading(paths)
        close, silence = _decisions(people, relation, accounts, month, market)
        dies = death_chance((month.first - people.birth[:n]) / 365.2425)
        lives = np.cumprod(np.vstack([np.ones(n), np.tile(1 - dies, (HORIZON - 1, 1))]), axis=0)
        kept = np.cumprod(np.vstack([np.ones(n), 1 - close[:-1] - silence[:-1]]), axis=0)
        there = lives * kept
        value = (there * stays).sum(axis=0)
        delays = np.arange(DELAY_MONTHS[0], DELAY_MONTHS[1] + 1)
        until = np.cumsum(fading, axis=0)  # yield of the first k months after the decision
        for j in range(1, HORIZON):
            ahead = HORIZON - j
            closing = np.mean([until[min(delay - 1, ahead) - 1] for delay in delays], axis=0)
            value += there[j - 1] * (close[j - 1] * closing + silence[j - 1] * until[ahead - 1])
        value += self._adopted(people, relation, accounts, month, there)
        # who has decided to leave, or died: the accounts last some months more
        lasts = np.where(status == SILENT, _ENDS_AFTER - relation.months_in[:n], relation.months_left[:n]) - 1
        lasts = np.clip(lasts, 0, HORIZON)
        begun = np.minimum(relation.months_in[:n], _DRAINED_AFTER)
        going = _fading(paths, begun) * lives
        gone = np.where(lasts > 0, np.cumsum(going, axis=0)[np.maximum(lasts, 1) - 1, np.arange(n)], 0.0)
        value = np.where(status == ACTIVE, value, np.where((status == LEAVING) | (status == SILENT), gone, 0.0))
        return np.maximum(value, 0.0)

    def _paths(self, people: People, relation: Relation, accounts: Accounts, month: Month) -> dict[str, np.ndarray]:
        """Expected yield by month ahead and slot, shape (months, customers, slots), and what it starts from by slot."""
        n = len(people)
        of = accounts.of[:n]
        held = of >= 0
        money = np.where(held, np.abs(accounts.balance[of]), 0.0)
        product = accounts.product[of]
        ahead = np.arange(1, HORIZON + 1)[:, None]
        income = 100 * people.income[:n] * 1.025 ** (month.year - 2023)
        paid_here = relation.has_income[:n]
        balance = np.repeat(money[None], HORIZON, axis=0)
        saves = held[:, [_SAVINGS, _BONUS]].any(axis=1)
        far = np.maximum(money[:, _CURRENT] - _FAR_INCOMES * income, 0) * (people.rhythm[:n, 6] > HOARDERS)
        far = far * (relation.status[:n] == ACTIVE) * (1 - np.where(saves, _STILL_HERE, _STILL_HERE_ALONE) ** ahead)
        for slot, (share, of_income, share_elsewhere, of_elsewhere) in _GROWTH.items():
            start = money[:, slot]
            if slot in _BACK_TO_USUAL:
                history = self._usual[:n, 0 if slot == _CURRENT else 1]
                known = np.isfinite(history)
                usual = np.where(known, history, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
                start = usual + (start - usual) * _BACK_TO_USUAL[slot] ** ahead
            move = start * np.where(paid_here, share, share_elsewhere)
            move = move + income * np.where(paid_here, of_income, of_elsewhere)
            if slot in (_SAVINGS, _BONUS):
                bought = np.minimum(_PURCHASE_SHARE * start, _PURCHASE_INCOMES * income)
                move = move - _PURCHASE * bought * held[:, _CURRENT] * (start > 50_000)
            start = start - far if slot == _CURRENT else start + far * (slot == _saved_in(held))
            balance[:, :, slot] = np.where(held[:, slot], np.maximum(start + move * ahead, 0), 0.0)
        for slot in (_LOAN, _MORTGAGE):
            rate, due = accounts.rate[of[:, slot]] / 12, accounts.instalment[of[:, slot]]
            growth = (1 + np.where(held[:, slot], rate, 0.01)) ** ahead
            left = money[:, slot] * growth - due * (growth - 1) / np.where(held[:, slot], rate, 0.01)
            balance[:, :, slot] = np.where(held[:, slot], np.maximum(left, 0), 0.0)
        margin = np.where(held, _MARGIN[product], 0.0)
        ends = _months_until(accounts.matures[of[:, _TERM]], month)
        runs = held[:, _TERM] & (ahead < ends)
        kept = np.where(runs, 1.0, 0.0)
        # a matured deposit goes on as savings, and in part as the next deposit
        elsewhere = _SLOT_MARGIN[_SAVINGS] / np.where(margin[:, _TERM] > 0, margin[:, _TERM], 1)
        balance[:, :, _TERM] *= kept + (held[:, _TERM] & ~runs) * elsewhere
        fee = np.where(held, _FEE[product], 0.0)
        return {"margin": balance * margin / 100, "fee": fee, "held": held, "money": money / 100, "rate": margin}

    def _adopted(
        self, people: People, relation: Relation, accounts: Accounts, month: Month, there: np.ndarray
    ) -> np.ndarray:
        """Expected yield of accounts not yet open: the one ordered, and those ordered later."""
        n = len(people)
        money = accounts.held(accounts.balance, n) / 100
        income = people.income[:n] * 1.025 ** (month.year - 2023)
        wealth = people.wealth[:n]
        saved, cash = money[:, _SAVINGS], np.maximum(money[:, _CURRENT] - 0.5 * income, 0)
        new = np.zeros((n, len(SLOTS)))
        for slot in range(_PENSION + 1):  # 40 % of savings and cash, and for some money from elsewhere
            outside = 0.09 * wealth * _SLOT_MARGIN[slot]
            moved = 0.4 * saved * (_SLOT_MARGIN[slot] - _SLOT_MARGIN[_SAVINGS]) * (slot != _SAVINGS)
            moved += 0.4 * cash * (_SLOT_MARGIN[slot] - _SLOT_MARGIN[_CURRENT]) * (slot != _CURRENT)
            new[:, slot] = outside + moved
        new[:, _CARD] = 0.3 * income * _SLOT_MARGIN[_CARD]
        new[:, _LOAN] = 3.5 * income * _SLOT_MARGIN[_LOAN]
        new[:, _MORTGAGE] = 48 * income * _SLOT_MARGIN[_MORTGAGE]
        new += _SLOT_FEE
        chance = competing(adoption_chance(relation, people, accounts, n, month))
        wish = relation.wish[:n]
        months = there[1:][::-1].cumsum(axis=0)[::-1]  # month-ends to come after an order at the end of month j
        # whoever has opened a slot opens no second account in it
        open_still, ahead = np.ones_like(chance), np.zeros_like(chance)
        for left in months:
            ahead += open_still * left[:, None]
            open_still *= 1 - chance
        later = (chance * new * ahead).sum(axis=1)
        ordered = np.where(wish >= 0, new[np.arange(n), np.maximum(wish, 0)], 0.0) * (wish != _TERM)
        return later + ordered * there.sum(axis=0)


def _saved_in(held: np.ndarray) -> np.ndarray:
    """Slot into which each customer puts money aside."""
    return np.where(held[:, _BONUS], _BONUS, _SAVINGS)


def _months_until(day: np.ndarray, month: Month) -> np.ndarray:
    """Months from a month to the one of a day."""
    return np.clip((day - month.last) / 30.44 + 0.5, 0, 1_000)


def _fading(paths: dict[str, np.ndarray], begun: np.ndarray | int = 0) -> np.ndarray:
    """Yield k = 1..12 months after the decision to leave, shape (months, customers).

    Savings go to the current account part by part, and from there to another bank; the rest stays until accounts close.
    """
    rate, start = paths["rate"], paths["money"]
    cash, saved = start[:, _CURRENT].copy(), start[:, [_SAVINGS, _BONUS]].copy()
    staying = np.ones(start.shape[1])
    staying[[_CURRENT, _SAVINGS, _BONUS]] = 0
    rest = (start * rate * staying).sum(axis=1) + paths["fee"].sum(axis=1)
    found = []
    for month in range(1, HORIZON + 1):
        drains = begun + month <= _DRAINED_AFTER
        moved = saved * np.where(drains, 1 - _LEFT_AFTER_A_MONTH, 0.0)[..., None]
        saved = saved - moved
        cash = np.where(drains, (cash + moved.sum(axis=1) * paths["held"][:, _CURRENT]) * _LEFT_ON_CURRENT, cash)
        found.append(rest + cash * rate[:, _CURRENT] + (saved * rate[:, [_SAVINGS, _BONUS]]).sum(axis=1))
    return np.stack(found)


def _decisions(
    people: People, relation: Relation, accounts: Accounts, month: Month, market: dict[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Expected chances to close and to fall silent in each of the next months, shape (months, customers)."""
    n = len(people)
    spread = market["competitor"] - (0.001 + 0.7 * market["policy"])
    now = churn_hazard(relation, people, accounts, n, month, spread)
    stay = np.maximum(1 - now.leave, 1e-9)
    mean, variance = foresee_satisfaction(relation, people, n, HORIZON)
    hold = relation.hold[:n] * (np.arange(1, HORIZON + 1)[:, None] > relation.hold_months[:n])
    ahead = np.arange(1, HORIZON + 1)[:, None]
    grievance = relation.grievance[:n] * (_GRIEVANCE_KEPT**ahead - 1)
    gap = market["gap"] * (_GAP_KEPT**ahead - 1) * (people.price[:n] - _USUAL_PRICE)
    chances = life_parameters()["chance_a_month"]
    odds = []
    for part, weights in ((now.close, CLOSING), (now.silence, SILENCE)):
        score = weights["satisfaction"] * (mean - relation.satisfaction[:n])
        score += 0.5 * weights["satisfaction"] ** 2 * variance
        score += weights["grievance"] * grievance + weights["rate_gap"] * gap - hold
        fresh = _COMPLAINTS * (np.exp(weights["grievance"] * _HURT * _GRIEVANCE_KEPT ** np.arange(1, HORIZON + 1)) - 1)
        score += np.r_[0.0, np.cumsum(fresh)[:-1]][:, None]
        for row, kind in enumerate(LIFE_EVENTS):
            over = ahead >= relation.recent[:n, row]
            score -= weights[kind] * ((relation.recent[:n, row] > 0) & over)
            score += chances[kind] * (np.exp(weights[kind]) - 1) * np.minimum(ahead, EVENT_MONTHS)
        odds.append(part / stay * np.exp(np.clip(score, -5, 5)))
    total = 1 + odds[0] + odds[1]
    return odds[0] / total, odds[1] / total


def parameters() -> dict[str, object]:
    """Return how balances are expected to move, by slot: share of the balance and of the income here, a month."""
    names = ("of_balance", "of_income", "of_balance_if_paid_elsewhere", "of_income_if_paid_elsewhere")
    growth = {SLOTS[slot]: dict(zip(names, moves, strict=True)) for slot, moves in _GROWTH.items()}
    back = {SLOTS[slot]: kept for slot, kept in _BACK_TO_USUAL.items()}
    return {"horizon_months": HORIZON, "back_to_usual": back, "growth_a_month": growth}
