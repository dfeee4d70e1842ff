"""Stress comes before missed payments and shows in transactions; life events leave traces and unsettle."""

from __future__ import annotations

import numpy as np
import pytest

from crmlab.simulation.block import Block, simulate_block
from crmlab.simulation.clock import DAY, month_at
from crmlab.simulation.interactions import TOPIC_WORDS
from crmlab.simulation.ledger import COUNTERPARTIES, KINDS, MERCHANTS
from crmlab.simulation.life import EVENT_MONTHS, LIFE_EVENTS, UNSETTLING
from crmlab.simulation.market import simulate_market
from crmlab.simulation.products import SLOTS
from crmlab.simulation.segments import BEHAVIOUR
from crmlab.simulation.stress import CAUSES

MONTHS = 36
REACH = 12  # months before a missed payment that are compared
CURRENT, CARD, LOAN = SLOTS.index("current"), SLOTS.index("card"), SLOTS.index("loan")


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [simulate_block(seed, 0, 1000, MONTHS, simulate_market(seed, MONTHS)) for seed in (11, 12, 13, 14)]


def _grid(block: Block, column: str) -> np.ndarray:
    """A column of truth `months`, shape (customers, months)."""
    noted = block.truth["months"]
    grid = np.zeros((len(block.people), MONTHS))
    grid[noted["customer"], noted["month"]] = noted[column]
    return grid


def _sums(block: Block, chosen: np.ndarray, day: np.ndarray, account: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Sum rows by customer and month, shape (customers, months)."""
    ends = np.array([month_at(month).last for month in range(MONTHS)])
    month = np.searchsorted(ends, day[chosen])
    grid = np.zeros((len(block.people), MONTHS))
    inside = (month < MONTHS) & (day[chosen] >= month_at(0).first)
    np.add.at(grid, (block.accounts.owner[account[chosen]][inside], month[inside]), value[chosen][inside])
    return grid


def _signals(block: Block) -> dict[str, np.ndarray]:
    """What a bank can see each month, shape (customers, months)."""
    balances, rows = block.rows["balances"], block.rows["transactions"]
    slot = block.accounts.slot[balances["account"]]
    income = 100 * block.people.income[:, None]

    def money(*slots: str) -> np.ndarray:
        chosen = np.isin(slot, [SLOTS.index(name) for name in slots])
        return _sums(block, chosen, balances["day"], balances["account"], balances["balance"]) / income

    def spent(*chosen: np.ndarray) -> np.ndarray:
        return _sums(block, np.logical_and.reduce(chosen), rows["occurred"] // DAY, rows["account"], -rows["amount"])

    cash, card = rows["kind"] == KINDS.index("cash_out"), rows["kind"] == KINDS.index("card_payment")
    treats = np.isin(rows["merchant"], [MERCHANTS.index(name) for name in ("restaurants", "leisure", "travel")])
    lowest = np.full((len(block.people), MONTHS), np.inf)  # balance of the current account within the month
    ours = block.accounts.slot[rows["account"]] == CURRENT
    month = np.searchsorted([month_at(month).last for month in range(MONTHS)], rows["booked"][ours])
    np.minimum.at(lowest, (block.accounts.owner[rows["account"][ours]], month), rows["balance_after"][ours])
    with np.errstate(invalid="ignore"):
        return {
            "overdrawn": (lowest < 0).astype(float),
            "lowest": np.where(np.isfinite(lowest), lowest, np.nan) / income,
            "savings": money("savings", "bonus"),
            "card_debt": -money("card"),
            "cash_share": spent(cash) / (spent(cash) + spent(card)),
            "treat_share": spent(card, treats) / spent(card),
        }


@pytest.fixture(scope="module")
def study(blocks: list[Block]) -> dict[str, np.ndarray]:
    """Differences of each case from the mean of matched others, shape (cases, REACH + 1), last the month of the miss.

    Cases: the first missed payment of customers with income here. Others: income here in the same month of the same
    bank, the same third of income and of wealth, a loan or mortgage or not and a habit of cash or not as the case, no
    missed payment at all.
    """
    found: dict[str, list[np.ndarray]] = {}
    for block in blocks:
        missed, people = _grid(block, "has_missed") > 0, block.people
        rows = block.rows["transactions"]
        paid = np.isin(rows["kind"], [KINDS.index(kind) for kind in ("salary", "pension", "benefit")])
        income_here = _sums(block, paid, rows["booked"], rows["account"], rows["amount"]) > 0
        owes = np.zeros(len(people), dtype=bool)
        owes[block.accounts.owner[block.accounts.slot >= LOAN]] = True
        thirds = [np.searchsorted(np.quantile(v, (1 / 3, 2 / 3)), v) for v in (people.income, people.wealth)]
        pays_cash = people.behaviour_segment == BEHAVIOUR.index("branch_and_cash")
        kind = owes + 2 * thirds[0] + 6 * thirds[1] + 18 * pays_cash
        signals = _signals(block)
        for case in np.flatnonzero(missed.any(axis=1)):
            month = int(missed[case].argmax())
            if month < REACH or not income_here[case, month - REACH : month].all():
                continue
            window = slice(month - REACH, month + 1)
            others = (kind == kind[case]) & ~missed.any(axis=1) & income_here[:, window].all(axis=1)
            if others.sum() < 5:
                continue
            for name, grid in signals.items():
                found.setdefault(name, []).append(grid[case, window] - _mean_known(grid[others, window], 0))
    return {name: np.array(differences) for name, differences in found.items()}


def _mean_known(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean without the empty ones; empty where all are (who pays by cash alone has no share of treats)."""
    return np.ma.masked_invalid(values).mean(axis=axis).filled(np.nan)


def _mean(differences: np.ndarray, *months: int) -> tuple[float, float]:
    """Mean difference over months before the miss (0 is its month), and its standard error over cases."""
    each = _mean_known(differences[:, [REACH + month for month in months]], 1)
    each = each[~np.isnan(each)]
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each)))


@pytest.mark.parametrize(
    ("signal", "sign"),
    [("overdrawn", 1), ("lowest", -1), ("cash_share", 1), ("treat_share", -1), ("card_debt", 1)],
)
def test_the_signal_comes_before_the_first_missed_payment(study, signal, sign):
    assert len(study[signal]) >= 25
    value, error = _mean(study[signal], -3, -2, -1)
    assert sign * value > 3 * error, f"{value:.3f} +- {error:.3f}"


@pytest.mark.parametrize("signal", ["overdrawn", "cash_share"])
def test_the_signal_grows_as_the_miss_comes_nearer(study, signal):
    far, near = (abs(_mean(study[signal], *months)[0]) for months in ((-12, -11, -10), (-3, -2, -1)))
    assert near > 2 * far


def test_savings_are_drawn_down_before(study):
    change = study["savings"][:, [REACH - 1]] - study["savings"][:, [0]]
    assert change.mean() < 0
    assert _mean(study["savings"], -1)[0] < 0


def test_onset_precedes_the_miss(blocks):
    onsets, firsts, lags = 0, 0, []
    for block in blocks:
        missed, since = _grid(block, "has_missed") > 0, block.truth["risk_onsets"]
        onsets += len(since["customer"])
        for customer in np.flatnonzero(missed.any(axis=1)):
            month = int(missed[customer].argmax())
            firsts += 1
            begun = since["month"][(since["customer"] == customer) & (since["month"] <= month)]
            if len(begun):
                lags.append(month - int(begun.max()))
    assert len(lags) > 0.8 * firsts  # the others forgot, or had an income that comes and goes
    assert np.mean(np.array(lags) >= 2) > 0.95
    assert 3 <= np.median(lags) <= 7
    assert 0.1 < len(lags) / onsets < 0.5  # most have a buffer


def test_who_is_not_under_stress_rarely_misses(blocks):
    for block in blocks:
        missed, stress = _grid(block, "has_missed") > 0, _grid(block, "stress")
        assert missed[stress == 0].mean() < 0.001
        assert missed[stress > 0].mean() > 0.02


def test_rates_of_missed_payments_and_defaults(blocks):
    first, last, years = month_at(0).first, month_at(MONTHS - 1).last, 4 * MONTHS / 12
    lent = defaulted = people = 0
    for block in blocks:
        accounts = block.accounts
        loans = np.isin(accounts.slot, (LOAN, LOAN + 1))
        lent += ((np.minimum(accounts.closed, last) - np.maximum(accounts.opened, first)) / 365.25)[loans].sum()
        defaulted += (accounts.performance[loans] == 1).sum()
        people += (_grid(block, "has_missed") > 0).any(axis=1).sum()
    # 1 to 3 % of loans to households a year (order of magnitude, assumed); a sample of Berka's loans
    # of 1993 to 1998 has 5.7 in trouble per 100 loan-years
    assert 0.005 <= defaulted / lent <= 0.03
    # 1 % of customers a year; half have their income elsewhere. In the EU 9 % of persons are in arrears (Eurostat,
    # ilc_mdes05, about 2022), many of them for years and with several creditors
    assert 0.004 <= people / 1000 / years <= 0.02


def test_a_penalty_follows_every_kind_of_miss(blocks):
    for block in blocks:
        rows, missed = block.rows["transactions"], _grid(block, "has_missed") > 0
        penalty = rows["kind"] == KINDS.index("penalty")
        charged = _sums(block, penalty, rows["booked"], rows["account"], -rows["amount"]) > 0
        assert (charged == missed).mean() > 0.999
        assert charged[missed].mean() > 0.98


def test_rates_of_life_events(blocks):
    # per 1,000 customers and year, each with the reason for its range
    ranges = {
        "job_loss": (10, 35),  # 3 % of employees; half of the customers work for pay
        "job_change": (20, 60),  # one employee in ten
        "move": (20, 45),  # one adult in thirty to another district
        "marriage": (4, 12),  # 4 marriages per 1,000 inhabitants in the EU: 8 persons
        "child": (8, 25),  # 9 births per 1,000 inhabitants: 18 parents
        "divorce": (2, 9),  # 1.7 to 2 divorces per 1,000 inhabitants: 4 persons
    }
    kinds = np.concatenate([block.truth["life_events"]["kind"] for block in blocks])
    assert set(ranges) == set(LIFE_EVENTS)
    for kind, (low, high) in ranges.items():
        assert low <= (kinds == kind).sum() / 4 / 3 <= high, kind


def test_an_event_raises_the_hazard_by_its_factor_for_half_a_year(blocks):
    rising = {kind: [] for kind in LIFE_EVENTS}
    for block in blocks:
        hazard, events = _grid(block, "hazard_of_closing"), block.truth["life_events"]
        for customer, month, kind in zip(*(events[name] for name in ("customer", "month", "kind")), strict=True):
            before, during = month - 1, month + EVENT_MONTHS - 1
            if before < 0 or during + 1 >= MONTHS or hazard[customer, during + 1] == 0 or hazard[customer, before] == 0:
                continue
            around = 0.5 * (np.log(hazard[customer, before]) + np.log(hazard[customer, during + 1]))
            rising[kind].append(np.log(hazard[customer, during]) - around)
    for kind in ("job_change", "move", "divorce"):
        rise = np.array(rising[kind])
        error = rise.std(ddof=1) / np.sqrt(len(rise))
        assert abs(rise.mean() - UNSETTLING[kind]["closing"]) < max(0.15, 4 * error), kind


def test_events_leave_traces(blocks):
    told, moved, paid, changed, child = 0, 0, 0, 0, 0
    for block in blocks:
        events, talks, rows = block.truth["life_events"], block.rows["interactions"], block.rows["transactions"]
        data = talks["topic"] == TOPIC_WORDS.index("data_change")
        calls = set(zip(talks["customer"][data], talks["opened"][data] // DAY, strict=True))
        salary = rows["kind"] == KINDS.index("salary")
        owner, payer = block.accounts.owner[rows["account"]], rows["counterparty"]
        others = salary & (payer != COUNTERPARTIES.index("employer"))
        joined = {customer for customer, kind in zip(events["customer"], events["kind"], strict=True)
                  if kind in ("job_change", "job_loss")}  # fmt: skip
        changed += len(set(owner[others].tolist()) - joined)
        paid += len(set(owner[others].tolist()) & joined)
        for customer, month, kind in zip(*(events[name] for name in ("customer", "month", "kind")), strict=True):
            if month + 1 < MONTHS and kind == "move":
                days = range(month_at(month).first, month_at(month + 1).last + 1)
                told += any((customer, day) in calls for day in days)
                moved += 1
            child += kind == "child"
    assert told / moved > 0.4
    assert paid > 20
    assert changed == 0  # nobody has a second employer without a change of job
    assert child > 50


def test_causes_are_noted(blocks):
    causes = np.concatenate([block.truth["risk_onsets"]["cause"] for block in blocks])
    assert set(causes) == set(CAUSES)
    losses = {(number, customer, month) for number, block in enumerate(blocks) for customer, month, kind in zip(
        *(block.truth["life_events"][name] for name in ("customer", "month", "kind")), strict=True)
        if kind == "job_loss"}  # fmt: skip
    for number, block in enumerate(blocks):
        found = block.truth["risk_onsets"]
        chosen = found["cause"] == "job_loss"
        for customer, month in zip(found["customer"][chosen], found["month"][chosen], strict=True):
            assert (number, customer, month) in losses
