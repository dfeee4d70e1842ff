"""Table `customers`: who they are, drawn once when they join, from latent traits that drive all that follows."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from crmlab.simulation.clock import generator, month_at
from crmlab.simulation.places import DISTRICT_SHARE
from crmlab.simulation.segments import draw_behaviour, draw_habits, draw_needs, lean

__all__ = ["NEVER", "WORDS", "People", "cohort_size", "draw_people", "parameters"]

NEVER = np.int64(2**31 - 1)  # a day that never comes; written as an empty cell
JOIN_RATE = 0.0062  # joiners a month per customer of the first day: about 7 % a year, near the churn (assumed)

WORDS = {
    "gender": ("female", "male", "other"),
    "occupation": ("student", "worker", "employee", "public_servant", "manager", "self_employed", "homemaker",
                   "unemployed", "retired"),
    "education": ("primary", "secondary", "vocational", "university"),
    "marital_status": ("single", "married", "divorced", "widowed"),
    "acquisition_channel": ("branch", "online", "mobile", "partner", "phone", "social"),
    "preferred_channel": ("branch", "online", "mobile", "phone", "email"),
    "left_reason": ("customer", "bank", "deceased", "fraud"),
}  # fmt: skip
# Net income a month by occupation, euros: median and log standard deviation. Medians near the euro area's (Eurostat,
# EU-SILC ilc_di03, net income of adults about 1,500 to 2,300 a month); the split by occupation is assumed.
_INCOME = {
    "student": (650, 0.35), "worker": (1950, 0.25), "employee": (2300, 0.30), "public_servant": (2500, 0.25),
    "manager": (4200, 0.35), "self_employed": (2500, 0.60), "homemaker": (700, 0.40), "unemployed": (950, 0.25),
    "retired": (1550, 0.38),
}  # fmt: skip
_STUDENT, _HOMEMAKER, _UNEMPLOYED, _RETIRED = (WORDS["occupation"].index(word) for word in
                                               ("student", "homemaker", "unemployed", "retired"))  # fmt: skip


@dataclass
class People:
    """One array a trait, one position a customer, in the order of joining. Days are counted from 1970-01-01.

    Observed columns of table `customers` come first, latent traits (never written there) after `consent`.
    """

    joined: np.ndarray
    birth: np.ndarray
    gender: np.ndarray
    district: np.ndarray
    occupation: np.ndarray
    is_occupation_known: np.ndarray
    education: np.ndarray
    marital: np.ndarray
    income: np.ndarray  # true net income a month, euros, at joining or at the first month
    declared_income: np.ndarray  # what the bank was told; nan where nothing was said
    acquisition: np.ndarray
    preferred: np.ndarray
    risk_class: np.ndarray  # 0 cautious to 4 aggressive
    assessed: np.ndarray  # day of the questionnaire, NEVER until there is one
    consent: np.ndarray  # e-mail, SMS, phone, social
    behaviour_segment: np.ndarray  # position in segments.BEHAVIOUR: how they bank
    needs_segment: np.ndarray  # position in segments.NEEDS: what they bank for
    total_wealth: np.ndarray  # financial wealth at all banks at the start, euros
    wealth: np.ndarray  # the part held here
    is_main: np.ndarray  # the bank gets the salary
    engagement: np.ndarray  # mean 1; frequency of everything the customer starts
    digital: np.ndarray  # 0 to 1, affinity to online and mobile
    price: np.ndarray  # 0 to 1, sensitivity to fees and rates
    image: np.ndarray  # standing image of the bank, mean near 0, sd near 1; older customers think better of it
    thrift: np.ndarray  # share of income left after a normal month
    card_pace: np.ndarray  # card payments a month where the salary comes here
    cash_pace: np.ndarray  # cash withdrawals, likewise
    transfer_pace: np.ndarray  # transfers to others, likewise
    login_pace: np.ndarray  # logins, likewise
    ticket: np.ndarray  # mean 1; multiple of the usual amount a payment
    unsteadiness: np.ndarray  # standard deviation of the log of a month's pace
    mobile: np.ndarray  # 0 to 1, share of mobile in digital use
    desk: np.ndarray  # 0 to 1, share of the counter in cash
    is_tenant: np.ndarray
    partner: np.ndarray  # position of the second person on the current account, -1 for none
    is_guest: np.ndarray  # uses the partner's account and holds none
    is_dormant: np.ndarray  # silent from the beginning
    is_leaving: np.ndarray  # on the way out on the first day
    rhythm: np.ndarray  # eight habits, 0 to 1: pay day, days of bills, buffer, ...
    previous: np.ndarray  # position under which the person was here before, -1 for none

    def __len__(self) -> int:
        return len(self.joined)

    def take(self, who: np.ndarray) -> People:
        """Return some of these people, in the order given."""
        return People(*(getattr(self, f.name)[who] for f in fields(self)))

    def joined_with(self, others: People) -> People:
        """Return these people followed by others."""
        return People(*(np.concatenate([getattr(self, f.name), getattr(others, f.name)]) for f in fields(self)))


def cohort_size(seed: int, block: int, customers: int, month: int) -> int:
    """Return how many customers join a block in a month, given how many were there on the first day."""
    return int(generator(seed, block, month, "cohort").poisson(JOIN_RATE * customers))


def draw_people(rng: np.random.Generator, size: int, month: int | None, offset: int) -> People:
    """Draw a cohort.

    Parameters
    ----------
    rng : Generator
        Random numbers of this block and month, topic ``customers``.
    size : int
        Number of people.
    month : int or None
        Month in which they join; None for those who are there on the first day.
    offset : int
        Customers of the block who joined before.
    """
    base = month is None
    start = month_at(0 if base else month).first
    couple, age = _ages(rng, size, base)
    joined = _joining(rng, age, start, month)
    z = rng.standard_normal((6, size))
    occupation = _occupations(rng, age)
    education = np.searchsorted((0.08, 0.42, 0.70), rng.random(size) + 0.05 * z[0] - (age > 65) * 0.12)
    wed = 1 / (1 + np.exp(-(age - 31) / 5))
    u = rng.random(size)
    marital = np.where(
        u < 0.62 * wed, 1, np.where(u < 0.76 * wed, 2, np.where(u < (0.76 + 0.2 * (age > 70)) * wed, 3, 0))
    )
    median, spread = np.array([_INCOME[word] for word in WORDS["occupation"]]).T
    ladder = np.clip((age - 25) / 25, 0, 1) * 0.18 * ~np.isin(occupation, (_STUDENT, _HOMEMAKER, _UNEMPLOYED, _RETIRED))
    income = median[occupation] * np.exp(
        spread[occupation] * (0.9 * z[0] + 0.44 * z[1]) + ladder + 0.06 * (education - 1.5)
    )
    district = np.searchsorted(np.cumsum(DISTRICT_SHARE), rng.random(size)).clip(max=len(DISTRICT_SHARE) - 1)
    gender = np.searchsorted((0.512, 0.997), rng.random(size)).astype(np.int8)

    is_main = rng.random(size) < np.where(base, 0.46, 0.40)
    behaviour = draw_behaviour(rng, age, income, is_main)
    habits = draw_habits(rng, behaviour)
    digital = 1 / (1 + np.exp(-(0.9 - (age - 45) / 22 + habits.pop("digital_shift") + 0.3 * z[2])))
    share = np.where(is_main, rng.beta(5, 2, size), rng.beta(1.1, 3.2, size))
    total = _wealth(age, income, z)
    needs = draw_needs(rng, age, total)
    wealth = np.minimum(total * share, 2e7)
    wealth = np.maximum(wealth, is_main * income * rng.uniform(0.7, 1.9, size))  # what the salary leaves in the month
    engagement = rng.gamma(8, 1 / 8, size) * habits.pop("liveliness")
    courage = 0.6 * z[3] + 0.2 * z[0] - (age - 48) / 50 + lean(needs)
    risk_class = np.searchsorted((-1.0, -0.25, 0.6, 1.4), courage).astype(np.int8)
    days_since = rng.random(size)
    assessed = np.where(
        rng.random(size) < 0.30, joined + (days_since * np.maximum(start - joined, 1)).astype(np.int64), NEVER
    )
    assessed = np.where(assessed < NEVER, np.minimum(assessed, start - 1) if base else joined, NEVER)
    said = rng.random((3, size))
    told = np.maximum(50, np.rint(income * np.exp(0.08 * z[4]) / 50) * 50)
    partner, is_guest, district = _partners(rng, couple, joined, district, offset)
    return People(
        joined=joined,
        birth=start - np.rint(age * 365.2425).astype(np.int64),
        gender=_partner_gender(couple, gender),
        district=district,
        occupation=occupation,
        is_occupation_known=said[0] > 0.07,
        education=education.astype(np.int8),
        marital=np.where(couple, 1, marital).astype(np.int8),
        income=income,
        declared_income=np.where(said[1] < 0.12 + 0.12 * ~is_main, np.nan, told),
        acquisition=_acquisition(rng, joined, digital, habits["mobile"]),
        preferred=np.where(said[2] < 0.15, -1, _preferred(rng, digital, habits["mobile"])).astype(np.int8),
        risk_class=risk_class,
        assessed=assessed,
        consent=rng.random((size, 4))
        < np.array([0.62, 0.48, 0.36, 0.17]) + 0.15 * (digital[:, None] - 0.5) * [1, 1, -1, 1],
        behaviour_segment=behaviour,
        needs_segment=needs,
        total_wealth=np.maximum(total, wealth),
        wealth=wealth,
        is_main=is_main,
        engagement=engagement,
        digital=digital,
        price=1 / (1 + np.exp(-(z[5] - 0.2 * z[0] + habits.pop("price_shift")))),
        image=0.95 * rng.standard_normal(size) + 0.3 * (age - 49) / 17,
        thrift=np.clip(0.05 + 0.05 * rng.standard_normal(size) + 0.03 * z[0] + habits.pop("thrift_shift"), -0.10, 0.30),
        **habits,
        is_tenant=rng.random(size) < np.clip(0.85 - 0.009 * (age - 20), 0.25, 0.85),
        partner=partner,
        is_guest=is_guest,
        is_dormant=((fate := rng.random(size)) < 0.045) & base & ~is_main,
        is_leaving=(fate > 0.988) & base,
        rhythm=rng.random((size, 8)),
        previous=np.full(size, -1, dtype=np.int64),
    )


def _ages(rng: np.random.Generator, size: int, base: bool) -> tuple[np.ndarray, np.ndarray]:
    """Couples sit side by side and are of similar age; most joiners are young."""
    age = 18 + (76 * rng.beta(1.9, 2.1, size) if base else 58 * rng.beta(1.1, 3.0, size))
    nearby, chosen = rng.normal(0, 4, size), rng.random(size)
    couple = np.zeros(size, dtype=bool)
    first = np.arange(0, size - 1, 2)
    chosen = first[(chosen[first] < 0.22) & (age[first] > 27) & base]
    couple[chosen] = couple[chosen + 1] = True
    age[chosen + 1] = np.clip(age[chosen] + nearby[chosen], 22, 94)
    return couple, age


def _joining(rng: np.random.Generator, age: np.ndarray, start: int, month: int | None) -> np.ndarray:
    if month is None:  # tenure up to 25 years, nobody joined as a child
        years = np.minimum(25, age - 17) * rng.beta(1.05, 1.7, len(age))
        return start - 1 - np.rint(years * 365.2425).astype(np.int64)
    calendar = month_at(month)
    day = np.minimum((rng.random(len(age)) * calendar.days).astype(np.int64), calendar.days - 1)
    return start + np.minimum(calendar.working_before[day], calendar.days - 1)


def _occupations(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    u = rng.random(len(age))
    working = 1 + np.searchsorted(np.cumsum([0.23, 0.42, 0.13, 0.07, 0.09, 0.03]), rng.random(len(age)))
    study = np.interp(age, (18, 21, 25, 29), (0.75, 0.50, 0.25, 0.0))
    retired = np.interp(age, (58, 62, 65, 67, 70), (0.02, 0.20, 0.55, 0.93, 0.98))
    return np.where(u < study, _STUDENT, np.where(u < retired, _RETIRED, working)).astype(np.int8)


def _wealth(age: np.ndarray, income: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Log-normal with a heavy tail: the spread gives a Gini near .75 before shares of wallet differ.

    The Gini of net wealth of euro area households was .685 (ECB, Household Finance and Consumption Survey, wave 2014);
    a bank sees persons and parts of wallets, which spreads them further.
    """
    growth = np.interp(age, (18, 25, 35, 50, 65, 90), (0.08, 0.25, 0.8, 1.8, 2.8, 2.4))
    return 8_000 * growth * (income / 2000) ** 0.7 * np.exp(1.45 * z[1] + 0.5 * z[0])


def _partners(
    rng: np.random.Generator, couple: np.ndarray, joined: np.ndarray, district: np.ndarray, offset: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a couple, the one who joined later owns the shared account, so that the other is known when it opens."""
    size = len(couple)
    partner, guest = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=bool)
    shared, alone = rng.random(size) < 0.65, rng.random(size) < 0.25
    first = np.flatnonzero(couple)[::2]
    owner = np.where(joined[first] >= joined[first + 1], first, first + 1)
    other = 2 * first + 1 - owner
    district = district.copy()
    district[other] = district[owner]
    together = shared[first]
    partner[owner[together]] = other[together] + offset
    guest[other[together & alone[first]]] = True
    return partner, guest, district


def _partner_gender(couple: np.ndarray, gender: np.ndarray) -> np.ndarray:
    """Most couples are of two sexes: the second person takes the other gender."""
    first = np.flatnonzero(couple)[::2]
    gender = gender.copy()
    gender[first + 1] = np.where(gender[first] < 2, 1 - gender[first], gender[first + 1])
    return gender


def _acquisition(rng: np.random.Generator, joined: np.ndarray, digital: np.ndarray, phone: np.ndarray) -> np.ndarray:
    """Branches first; online opening grows from 2005, mobile from 2014."""
    year = 1970 + joined / 365.2425
    u, v = rng.random(len(joined)), rng.random(len(joined))
    online = np.clip((year - 2005) / 14, 0, 1) * (0.2 + 0.6 * digital)
    mobile = np.clip((year - 2014) / 8, 0, 1) * phone
    other = np.where(v < 0.55, 0, np.where(v < 0.85, 3, np.where(v < 0.94, 4, np.where(year > 2012, 5, 0))))
    return np.where(u < online, np.where(v < 1.1 * mobile, 2, 1), np.where(u < online + 0.35, other, 0)).astype(np.int8)


def _preferred(rng: np.random.Generator, digital: np.ndarray, mobile: np.ndarray) -> np.ndarray:
    u, v = rng.random(len(digital)), rng.random(len(digital))
    remote = np.where(v > 0.85, 4, np.where(v < 0.85 * mobile, 2, 1))
    return np.where(u < digital, remote, np.where(v < 0.75, 0, 3))


def parameters() -> dict[str, dict]:
    """Return the rate of joining, as a plain number."""
    return {"joining": {"a_month_per_customer_of_the_first_day": JOIN_RATE}}
