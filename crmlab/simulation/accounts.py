"""Table `accounts`: who holds what, opened and closed over time, and the book of balances."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.clock import Month
from crmlab.simulation.customers import NEVER, People
from crmlab.simulation.products import CATALOGUE, SLOTS, slot_of
from crmlab.simulation.segments import BEHAVIOUR, NEEDS, wanted

__all__ = ["CLOSE_REASONS", "PERFORMANCES", "Accounts", "after", "annuity", "open_first_holdings", "product_for"]

CLOSE_REASONS = ("customer", "bank", "matured", "deceased", "fraud")
PERFORMANCES = ("paid", "defaulted")
_FIELDS = {
    "owner": np.int64, "product": np.int8, "slot": np.int8, "authorised": np.int64, "opened": np.int64,
    "closed": np.int64, "close_reason": np.int8, "matures": np.int64, "term": np.int64, "limit": np.int64,
    "instalment": np.int64, "rate": np.float64, "statement": np.int8, "performance": np.int8,
    "performance_on": np.int64, "balance": np.int64,
}  # fmt: skip
_EMPTY = {"authorised": -1, "closed": NEVER, "close_reason": -1, "matures": NEVER, "term": -1, "limit": -1,
          "instalment": -1, "rate": np.nan, "performance": -1, "performance_on": NEVER, "balance": 0}  # fmt: skip
_PRODUCT = {product.name: position for position, product in enumerate(CATALOGUE)}


class Accounts:
    """The accounts of one block of customers, in the order of opening; money in cents.

    `of[customer, slot]` is the open account of a customer in a slot, or -1.
    """

    def __init__(self, customers: int) -> None:
        self.size = 0
        self.of = np.full((customers, len(SLOTS)), -1, dtype=np.int64)
        self._store = {name: np.zeros(0, dtype) for name, dtype in _FIELDS.items()}

    def __getattr__(self, name: str) -> np.ndarray:
        if name in _FIELDS:
            return self._store[name][: self.size]
        raise AttributeError(name)

    def admit(self, customers: int) -> None:
        """Make room for customers who joined."""
        more = np.full((customers - len(self.of), len(SLOTS)), -1, dtype=np.int64)
        self.of = np.concatenate([self.of, more])

    def open(self, owner: np.ndarray, product: np.ndarray, day: np.ndarray, **terms: np.ndarray) -> np.ndarray:
        """Open one account for each owner and return the positions."""
        count = len(owner)
        product = np.broadcast_to(np.asarray(product), count)
        slot = _SLOT_OF_PRODUCT[product]
        new = np.arange(self.size, self.size + count)
        self._reserve(self.size + count)
        self.size += count
        given = {**_EMPTY, "statement": 0, **terms, "owner": owner, "product": product, "slot": slot, "opened": day}
        for name, value in given.items():
            self._store[name][new] = value
        self.of[owner, slot] = new
        return new

    def close(self, accounts: np.ndarray, day: np.ndarray | int, reason: str) -> None:
        """Close accounts; their balance must be zero once the day's bookings are in."""
        self.closed[accounts] = day
        self.close_reason[accounts] = CLOSE_REASONS.index(reason)
        self.of[self.owner[accounts], self.slot[accounts]] = -1

    def is_open(self, customers: int, slot: str) -> np.ndarray:
        """Say for each of the first customers whether the slot is taken."""
        return self.of[:customers, slot_of(slot)] >= 0

    def held(self, money: np.ndarray, customers: int) -> np.ndarray:
        """Spread a number per account over customers and slots; 0 where there is no account."""
        of = self.of[:customers]
        if not self.size:
            return np.zeros(of.shape, dtype=money.dtype)
        return np.where(of >= 0, money[of], 0)

    def _reserve(self, size: int) -> None:
        for name, array in self._store.items():
            if len(array) < size:
                self._store[name] = (
                    np.resize(array, max(64, size, 2 * len(array)))
                    if len(array)
                    else np.zeros(max(64, size), _FIELDS[name])
                )


_SLOT_OF_PRODUCT = np.array([slot_of(product.slot) for product in CATALOGUE], dtype=np.int8)


def annuity(amount: np.ndarray, rate: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Return the monthly payment that repays an amount; the textbook formula.

    >>> float(annuity(1200.0, 0.12, 12).round(2))
    106.62
    """
    monthly = np.asarray(rate) / 12
    return amount * monthly / (1 - (1 + monthly) ** -np.asarray(months, dtype=float))


def product_for(slot: int, people: People, who: np.ndarray, age: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Choose the product of a slot that suits each customer; funds stay within the risk tolerance."""
    risk, income = people.risk_class[who], people.income[who]
    name = SLOTS[slot]
    if name == "current":
        rich = (income > 4200) & (u < 0.55) | (people.wealth[who] > 250_000)
        return np.where(rich, _PRODUCT["Premium Account"], np.where(age < 26, _PRODUCT["Start Account"], 0))
    if name == "term":
        return _PRODUCT["Term Deposit 12"] + (u < 0.4)
    if name == "fund_low":
        return _PRODUCT["Bond Fund"] + ((risk >= 2) & (u < 0.8))
    if name == "fund_high":
        return _PRODUCT["Equity Fund"] + ((risk >= 4) & (u < 0.6))
    return np.full(len(who), int(np.flatnonzero(np.equal(_SLOT_OF_PRODUCT, slot))[0]))


def open_first_holdings(
    rng: np.random.Generator, accounts: Accounts, people: People, size: int, month: Month, policy: float
) -> None:
    """Give the customers of the first day the accounts they opened earlier, with the balances they bring along.

    Those balances are the rows of table `balances` dated on the eve of the first month; every later balance follows
    from bookings.
    """
    who = np.arange(size)
    start = month.first
    age = (start - people.birth[:size]) / 365.2425
    tenure = start - people.joined[:size]
    wealth = people.wealth[:size]
    u, v, w = rng.random((3, size, len(SLOTS)))
    owns = (u < _ownership(people, who, age, wealth)) & ~people.is_guest[:size, None]
    owns[:, slot_of("card") :] &= owns[:, :1]  # debts and premiums are paid from a current account here
    owns[:, 0] |= ~owns.any(axis=1) & ~people.is_guest[:size]
    idle = (wealth > 3 * people.income[:size]) & ~owns[:, 1:7].any(axis=1) & ~people.is_guest[:size]
    idle = np.flatnonzero(idle & (u[:, 0] < 0.85))  # few leave large sums on a current account
    into = np.where((people.needs_segment[idle] == NEEDS.index("investor")) & (people.risk_class[idle] >= 1),
                    slot_of("fund_low"), slot_of("savings"))  # fmt: skip
    owns[idle, into] = True
    # an account opens between joining and yesterday; the first one on the day of joining
    opened = people.joined[:size, None] + np.floor(v**1.4 * tenure[:, None]).astype(np.int64)
    opened = np.minimum(opened, start - 1)
    first = owns.argmax(axis=1)
    opened[who, first] = people.joined[:size]
    shares = _portfolio(owns, w, wealth, people.income[:size])
    for slot, name in enumerate(SLOTS):
        mine = np.flatnonzero(owns[:, slot])
        day, part = opened[mine, slot], shares[mine, slot]
        product = product_for(slot, people, mine, age[mine], w[mine, slot])
        terms = {"balance": np.rint(100 * part).astype(np.int64)}
        if name == "current":
            terms |= current_terms(people, mine, v[mine, slot])
        elif name == "term":
            terms |= term_terms(product, day, w[mine, 1], start, policy)
            day = terms.pop("opened")
        elif name in ("fund_low", "fund_high"):  # the law asks for the questionnaire before the first order
            people.assessed[mine] = np.minimum(people.assessed[mine], day)
        elif name == "card":
            terms |= {"limit": card_limit(people, mine), "balance": -_cents(0.25 * people.income[mine] * u[mine, 1])}
        elif name in ("loan", "mortgage"):
            terms |= _running_loan(people, mine, name, v[mine, slot], w[mine, slot], age[mine], day, start)
            day = terms.pop("opened")
        accounts.open(mine, product, np.maximum(day, people.joined[mine]), **terms)
    _renew_questionnaires(people, accounts, start, *rng.random((3, size)))


def _renew_questionnaires(
    people: People, accounts: Accounts, start: int, u: np.ndarray, v: np.ndarray, w: np.ndarray
) -> None:
    """Let some answer the questionnaire again before the first day; the bank keeps the last class only.

    The class goes down more often than up (age, losses, stricter questions; assumed). A fund bought before may then
    carry more risk than the class allows.
    """
    size = len(u)
    slots = accounts.of[:size, [slot_of("fund_low"), slot_of("fund_high")]]
    bought = np.where(slots >= 0, accounts.opened[slots], 0).max(axis=1) if accounts.size else np.zeros(size)
    since = np.where(people.assessed[:size] < start, np.maximum(people.assessed[:size], bought) + 180, start)
    again = np.flatnonzero((since < start) & (u < 0.30))
    people.assessed[again] = (since + np.floor(v * (start - since)))[again].astype(np.int64)
    step = np.array([-2, -1, 0, 1])[np.searchsorted((0.10, 0.40, 0.88), w[again])]
    people.risk_class[again] = np.clip(people.risk_class[again] + step, 0, 4)


def current_terms(people: People, who: np.ndarray, u: np.ndarray) -> dict[str, np.ndarray]:
    """Return overdraft limit, second person and statement of current accounts."""
    limit = np.where(people.is_main[who] & (u < 0.7), np.minimum(np.rint(people.income[who] / 500) * 500, 5000), 0)
    return {"limit": _cents(limit), "authorised": people.partner[who], "statement": (u * 10 % 1 < 0.04).astype(np.int8)}


def card_limit(people: People, who: np.ndarray) -> np.ndarray:
    """Return credit limits in cents: about 1.5 months of income in steps of 500."""
    return _cents(np.clip(np.rint(1.5 * people.income[who] / 500) * 500, 500, 15_000))


def term_terms(product: np.ndarray, day: np.ndarray, u: np.ndarray, start: int, policy: float) -> dict[str, np.ndarray]:
    """Return the terms of term deposits that still run at the start of the simulation."""
    months = np.where(product == _PRODUCT["Term Deposit 36"], 36, 12)
    day = np.maximum(day, start - 1 - np.floor(u * (months * 30 - 45)).astype(np.int64))
    return {
        "opened": day,
        "term": months,
        "matures": after(day, months),
        "rate": np.full(len(day), round(0.7 * policy + 0.002, 4)),
    }


def new_loan(
    people: People, who: np.ndarray, name: str, v: np.ndarray, w: np.ndarray, age: np.ndarray, policy: float
) -> dict:
    """Draw amount, duration and rate of loans that the income carries: at most a third of it goes to the instalment."""
    income = people.income[who]
    if name == "mortgage":
        months = 12 * np.clip(np.rint(15 + 15 * v), 5, np.maximum(5, 75 - age)).astype(np.int64)
        rate = np.round(policy + 0.012 + 0.01 * w, 4)
        amount = np.minimum(income * (32 + 45 * w), 0.33 * income * (1 - (1 + rate / 12) ** -months) / (rate / 12))
        amount = np.rint(amount / 1000) * 1000
    else:
        months = np.array([24, 36, 48, 60, 84])[(v * 5).astype(np.int64).clip(max=4)]
        rate = np.round(policy + 0.045 + 0.035 * w, 4)
        amount = np.maximum(1000, np.rint(np.minimum(income * (1.5 + 6 * w), 0.2 * income * months * 0.8) / 100) * 100)
    return {"limit": _cents(amount), "term": months, "rate": rate, "instalment": _cents(annuity(amount, rate, months))}


def _running_loan(people, who, name, v, w, age, day, start) -> dict[str, np.ndarray]:
    """A loan that began earlier, with what is left of it by the annuity formula."""
    terms = new_loan(people, who, name, v, w, age, 0.01)
    span = terms["term"] * 30.4
    day = np.maximum(day, start - 1 - np.floor(0.9 * span * ((v * 7.3) % 1)).astype(np.int64))
    paid = np.floor((start - day) / 30.4)
    rate, amount = terms["rate"] / 12, terms["limit"] / 100
    left = amount * (1 + rate) ** paid - terms["instalment"] / 100 * ((1 + rate) ** paid - 1) / rate
    return terms | {
        "opened": day,
        "balance": -_cents(np.maximum(left, terms["instalment"] / 100)),
        "matures": after(day, terms["term"]),
    }


def _ownership(people: People, who: np.ndarray, age: np.ndarray, wealth: np.ndarray) -> np.ndarray:
    """Probability of holding each slot on the first day: life stage, income, wealth, risk, needs, habits (assumed)."""
    main, income, risk = people.is_main[who], people.income[who], people.risk_class[who]
    behaviour, needs = people.behaviour_segment[who], people.needs_segment[who]
    spends, quiet = behaviour == BEHAVIOUR.index("card_spender"), behaviour == BEHAVIOUR.index("quiet_saver")
    rich = np.clip(np.log10(np.maximum(wealth, 100)) - 3, 0, 2.5)  # 0 at 1,000 euros, 1 at 10,000
    working = (age > 24) & (age < 64)
    family = np.exp(-(((age - 42) / 13) ** 2))
    columns = {
        "current": np.where(main, 0.995, np.where(quiet, 0.78, 0.96)),
        "savings": 0.26 + 0.24 * rich,
        "bonus": (0.03 + 0.08 * rich) * (0.4 + people.digital[who] + 0.5 * people.price[who]),
        "term": 0.07 * rich * (1 + (age > 50)),
        "fund_low": 0.10 * rich * (0.5 + 0.2 * risk) * (risk >= 1),
        "fund_high": 0.10 * rich * (risk >= 3),
        "pension": 0.16 * (age > 24) * (1 - 0.5 * (age > 66)) * (0.6 + 0.4 * rich),
        "card": np.where(main, 0.40, 0.10) * np.clip(income / 2000, 0.3, 1.6) * (age < 80) * (1 + 0.6 * spends),
        "loan": np.where(main, 0.17, 0.03) * working,
        "mortgage": np.where(main, 0.70, 0.20) * family * ~people.is_tenant[who] * np.clip(income / 2200, 0, 1.4),
        "insurance": (0.06 + 0.12 * main) * (0.5 + family),
    }
    chance = np.clip(np.stack([np.broadcast_to(columns[name], len(who)) for name in SLOTS], axis=1), 0, 0.98)
    odds = chance / (1 - chance) * np.stack([wanted(name, needs) for name in SLOTS], axis=1)
    odds[:, 0] = columns["current"] / (1 - columns["current"])
    return odds / (1 + odds)


def _portfolio(owns: np.ndarray, w: np.ndarray, wealth: np.ndarray, income: np.ndarray) -> np.ndarray:
    """Split the wealth held here over the accounts that hold assets; the current account keeps a buffer."""
    weight = np.where(owns, np.array([0.06, 1.0, 1.1, 1.2, 1.0, 0.9, 0.7, 0, 0, 0, 0]) * (0.2 + w), 0)
    buffer = np.where(owns[:, 0], np.minimum(wealth, income * (0.8 + 1.2 * w[:, 0])), 0)
    total = weight.sum(axis=1)
    parts = weight / np.where(total > 0, total, 1)[:, None] * (wealth - buffer)[:, None]
    parts[:, 0] += buffer
    return parts.round(2)


def after(day: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The same day of the month, months later; the last day where the month is shorter."""
    date = np.asarray(day).astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    target = month + np.asarray(months).astype(np.int64)
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    within = (date - month.astype("datetime64[D]")).astype(np.int64)
    return target.astype("datetime64[D]").astype(np.int64) + np.minimum(within, length - 1)


def _cents(amount: np.ndarray) -> np.ndarray:
    return np.rint(100 * np.asarray(amount)).astype(np.int64)
