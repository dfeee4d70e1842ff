"""What must hold for the snapshots of any bank: drawn banks, and an independent computation from their raw rows."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmlab.bank import Bank, write_bank
from crmlab.bank.tables import CONTRACT
from crmlab.snapshots import FEATURES, snapshot
from crmlab.snapshots.frame import FAMILY_AMOUNTS

# Each example writes and opens banks, so there are few, always the same, and a failing one is not shrunk for minutes.
FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
AS_OF = st.sampled_from([dt.date(2024, 1, 31), dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2024, 3, 30)])
# Days cluster at the edges of months and of the dates above.
DAYS = st.one_of(
    st.dates(dt.date(2022, 12, 1), dt.date(2024, 6, 30)),
    st.sampled_from(
        [dt.date(2024, month, day) for month, day in ((1, 30), (1, 31), (2, 1), (2, 28), (2, 29), (3, 1), (3, 30))]
        + [dt.date(2023, 1, 31), dt.date(2023, 2, 28), dt.date(2023, 3, 1), dt.date(2023, 3, 30), dt.date(2023, 3, 31)]
    ),
)
CENTS = st.integers(-500_000, 500_000)
MONTH_ENDS = [day.date() for day in pd.date_range("2022-12-31", "2024-06-30", freq="ME")]
FAMILIES = ("current", "savings", "loan", "card", "insurance")
ASSETS, DEBTS = ("current", "savings"), ("loan", "card")


def _word(table: str, column: str) -> st.SearchStrategy:
    return st.sampled_from(CONTRACT[table][column].words)


def _clock(day: dt.date, second: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=second)


@st.composite
def banks(draw) -> dict[str, pd.DataFrame]:
    """Draw the tables of a small bank; money in cents, ids by row."""
    optional = st.none() | DAYS
    n = draw(st.integers(1, 4))
    customers = [
        (
            f"C{i}",
            draw(DAYS.filter(lambda d: d < dt.date(2024, 3, 1))),
            draw(optional),
            draw(st.none() | CENTS.map(abs)),
        )
        for i in range(n)
    ]
    who = st.sampled_from([row[0] for row in customers])
    accounts = [
        (f"A{i}", draw(who), f"P{draw(st.integers(0, 4))}", draw(DAYS), draw(optional), draw(st.none() | who))
        for i in range(draw(st.integers(1, 5)))
    ]
    which = st.sampled_from([row[0] for row in accounts])
    balances = draw(st.dictionaries(st.tuples(which, st.sampled_from(MONTH_ENDS)), CENTS, min_size=1, max_size=40))
    transactions = draw(
        st.lists(
            st.tuples(
                which,
                DAYS,
                CENTS,
                _word("transactions", "kind") | st.sampled_from(["salary", "transfer_in"]),
                st.none() | _word("transactions", "channel"),
                st.booleans(),
            ),
            min_size=1,
            max_size=40,
        )
    )
    contacts = draw(
        st.lists(
            st.tuples(who, DAYS, st.sampled_from([0, 43_200, 86_399]), _word("interactions", "kind"), optional),
            min_size=1,
            max_size=12,
        )
    )
    events = draw(
        st.lists(
            st.tuples(who, DAYS, st.sampled_from([0, 86_399]), _word("digital_events", "kind"), st.booleans()),
            min_size=1,
            max_size=12,
        )
    )
    return {
        "customers": pd.DataFrame(customers, columns=["customer_id", "joined_on", "left_on", "income_amount"]),
        "products": pd.DataFrame(
            {
                "product_id": [f"P{i}" for i in range(5)],
                "family": FAMILIES,
                "margin_share": [0.01, 0.0075, 0.03, 0.1, None],
                "fee_amount": [150, None, 0, 99, 500],
            }
        ),
        "accounts": pd.DataFrame(
            accounts,
            columns=["account_id", "customer_id", "product_id", "opened_on", "closed_on", "authorised_customer_id"],
        ),
        "balances": pd.DataFrame(
            [(*key, cents) for key, cents in balances.items()], columns=["account_id", "balance_on", "balance_amount"]
        ),
        "transactions": pd.DataFrame(
            [(f"T{i}", row[0], row[1], *row[1:]) for i, row in enumerate(transactions)],
            columns=[
                "transaction_id",
                "account_id",
                "occurred_at",
                "booked_on",
                "amount",
                "kind",
                "channel",
                "is_customer_initiated",
            ],
        ),
        "interactions": pd.DataFrame(
            [
                (f"I{i}", who_, _clock(day, second), kind, settled and max(_clock(settled, 0), _clock(day, second)))
                for i, (who_, day, second, kind, settled) in enumerate(contacts)
            ],
            columns=["interaction_id", "customer_id", "opened_at", "kind", "resolved_at"],
        ),
        "digital_events": pd.DataFrame(
            [
                (f"E{i}", who_, _clock(day, second), kind, "mobile" if mobile else "online")
                for i, (who_, day, second, kind, mobile) in enumerate(events)
            ],
            columns=["event_id", "customer_id", "occurred_at", "kind", "channel"],
        ),
    }


# Known by every date of these tests, so that the bank spans them and has every column by then.
KEEPER = {
    "customers": ("keeper", dt.date(2022, 1, 1), None, 1),
    "accounts": ("A", "keeper", "P0", dt.date(2022, 1, 1), None, "keeper"),
    "balances": ("A", dt.date(2022, 11, 30), 1),
    "transactions": ("T", "A", dt.date(2022, 1, 1), dt.date(2022, 1, 1), 1, "other", "mobile", True),
    "interactions": ("I", "keeper", dt.datetime(2022, 1, 1), "complaint", dt.datetime(2022, 1, 2)),
    "digital_events": ("E", "keeper", dt.datetime(2022, 1, 1), "login", "mobile"),
}


def _open(tables: dict[str, pd.DataFrame], last: dt.date) -> Bank:
    """Write and open the bank; the keeper acts on the last day too."""
    made = {}
    for name, frame in tables.items():
        rows = [KEEPER[name]] if name in KEEPER else []
        if name == "digital_events":
            rows.append(("E_last", "keeper", _clock(last, 0), "login", "online"))
        made[name] = pd.concat([frame, pd.DataFrame(rows, columns=frame.columns, dtype=object)], ignore_index=True)
        for column in CONTRACT[name].columns:
            if column.name in frame and column.kind in ("date", "time"):
                made[name][column.name] = pd.to_datetime(made[name][column.name])
            elif column.name in frame and column.kind in ("money", "share"):
                made[name][column.name] = pd.to_numeric(made[name][column.name])
            elif column.name in frame and column.kind == "flag":
                made[name][column.name] = made[name][column.name].astype(bool)
    folder = Path(tempfile.mkdtemp(dir=_open.place))
    facts = {"name": "Drawn", "currency": "EUR", "timezone": "UTC", "extracted_on": "2024-12-31"}
    return Bank.open(write_bank(folder, made, money_in="minor", **facts), check=False)


@pytest.fixture(autouse=True)
def _place(tmp_path):
    _open.place = tmp_path


def _after(frame: pd.DataFrame, column: str, as_of: dt.date) -> pd.Series:
    return pd.to_datetime(frame[column]) >= pd.Timestamp(as_of) + pd.Timedelta(days=1)


def _without_later(tables: dict[str, pd.DataFrame], as_of: dt.date) -> dict[str, pd.DataFrame]:
    """Delete what became known after the date: rows, and cells."""
    kept = {}
    for name, frame in tables.items():
        table = CONTRACT[name]
        if table.known_on:
            frame = frame[~_after(frame, table.known_on, as_of)].copy()
        for column in table.columns:
            if column.name in frame and column.revealed_by:
                frame.loc[_after(frame, column.revealed_by, as_of), column.name] = None
        kept[name] = frame.reset_index(drop=True)
    return kept


def _with_other_later(tables: dict[str, pd.DataFrame], as_of: dt.date) -> dict[str, pd.DataFrame]:
    """Change what becomes known after the date, and add more of it."""
    later = as_of + dt.timedelta(days=1)
    changed = {name: frame.copy() for name, frame in tables.items()}
    for name, column in {"customers": "left_on", "accounts": "closed_on", "interactions": "resolved_at"}.items():
        frame = changed[name]
        unknown = frame[column].isna() | _after(frame, column, as_of)
        frame[column] = pd.to_datetime(frame[column]).mask(unknown, pd.Timestamp(later))
    for name, column in {"transactions": "amount", "balances": "balance_amount"}.items():
        frame = changed[name]
        frame.loc[_after(frame, CONTRACT[name].known_on, as_of), column] += 12_345
    account, customer = changed["accounts"]["account_id"].iloc[0], changed["customers"]["customer_id"].iloc[0]
    more = {
        "customers": ("late", later, None, 5),
        "accounts": ("A_late", customer, "P1", later, None, None),
        "balances": (account, dt.date(2024, 8, 31), 7),
        "transactions": ("T_late", account, later, later, -700, "card_payment", "card", True),
        "interactions": ("I_late", customer, _clock(later, 0), "complaint", None),
        "digital_events": ("E_late", customer, _clock(later, 0), "login", "mobile"),
    }
    for name, row in more.items():
        frame = changed[name]
        changed[name] = pd.concat([frame, pd.DataFrame([row], columns=frame.columns, dtype=object)], ignore_index=True)
    return changed


@FEW
@given(banks(), AS_OF)
def test_nothing_after_the_date_matters(tables, as_of):
    bank = _open(tables, as_of)
    wanted = snapshot(bank, as_of)
    pd.testing.assert_frame_equal(snapshot(bank.as_of(as_of)), wanted)
    pd.testing.assert_frame_equal(snapshot(_open(_without_later(tables, as_of), as_of), as_of), wanted)
    pd.testing.assert_frame_equal(snapshot(_open(_with_other_later(tables, as_of), as_of), as_of), wanted)


@FEW
@given(banks(), AS_OF, st.integers(0, 99))
def test_order_of_rows_does_not_matter(tables, as_of, seed):
    shuffled = {name: frame.sample(frac=1, random_state=seed) for name, frame in tables.items()}
    pd.testing.assert_frame_equal(snapshot(_open(shuffled, as_of), as_of), snapshot(_open(tables, as_of), as_of))


@FEW
@given(banks(), AS_OF)
def test_money_scales_money_only(tables, as_of):
    tenfold = {
        name: frame.assign(**{c: pd.to_numeric(frame[c]) * 10 for c in frame if c.endswith("amount")})
        for name, frame in tables.items()
    }
    before = snapshot(_open(tables, as_of), as_of).drop(index="keeper")
    after = snapshot(_open(tenfold, as_of), as_of).drop(index="keeper")
    for feature in FEATURES:
        if feature.name in before and feature.kind in ("money", "monthly_money"):
            pd.testing.assert_series_equal(after[feature.name], before[feature.name] * 10, rtol=1e-15)
        elif feature.name in before:
            pd.testing.assert_series_equal(after[feature.name], before[feature.name])


@FEW
@given(banks(), st.lists(DAYS.filter(lambda d: d < dt.date(2024, 4, 1)), min_size=2, max_size=4, unique=True))
def test_many_dates_are_the_dates_one_by_one(tables, days):
    bank = _open(tables, dt.date(2024, 4, 1))
    many = snapshot(bank, days)
    for day in days:
        one = snapshot(bank, day)
        # Only amounts whose balances begin or end between the dates may be there in one and not in the other.
        shared = [name for name in many.columns if name in one.columns]
        assert {*many.columns} ^ {*one.columns} <= {"debt_amount", *FAMILY_AMOUNTS}
        pd.testing.assert_frame_equal(many.loc[many["as_of"] == pd.Timestamp(day), shared], one[shared])
    assert many["as_of"].is_monotonic_increasing


def _edge(as_of: pd.Timestamp, months: int) -> pd.Timestamp:
    """Last day before a window: pandas' own month arithmetic."""
    if as_of.is_month_end:
        return as_of - pd.offsets.MonthEnd(months)
    return as_of - pd.DateOffset(months=months)


def _naive(tables: dict[str, pd.DataFrame], customer: str, as_of: pd.Timestamp) -> dict[str, float]:
    """Compute one customer's features from the raw rows, one by one, without any roll-up."""
    found: dict[str, float] = {}
    accounts = tables["accounts"]
    dated = {name: pd.to_datetime(accounts[name]) for name in ("opened_on", "closed_on")}
    mine = accounts[(accounts["customer_id"] == customer) & (dated["opened_on"] <= as_of)]
    family = dict(zip(tables["products"]["product_id"], tables["products"]["family"], strict=True))
    closed = pd.to_datetime(mine["closed_on"])
    is_open = closed.isna() | (closed > as_of)
    held = [family[product] for product in mine.loc[is_open, "product_id"]]
    found["accounts_count"] = len(held)
    found["products_count"] = mine.loc[is_open, "product_id"].nunique()
    found["families_count"] = len(set(held))
    found["loan_count"] = held.count("loan")
    found["closed_12m_count"] = ((closed <= as_of) & (closed > _edge(as_of, 12))).sum()
    found["opened_12m_count"] = (pd.to_datetime(mine["opened_on"]) > _edge(as_of, 12)).sum()

    rows = tables["transactions"].merge(mine[["account_id", "opened_on"]], on="account_id")
    # A booking before the opening counts from the opening.
    booked = pd.to_datetime(rows["booked_on"])
    counted = np.maximum(booked, pd.to_datetime(rows["opened_on"]))
    rows = rows.assign(booked=booked, counted=counted)
    rows = rows[rows["counted"] <= as_of]
    acts = rows[rows["is_customer_initiated"].astype(bool)]
    found["recency_days"] = (as_of - acts["booked"].max()).days if len(acts) else np.nan
    for months in (1, 3, 6, 12):
        part = rows[rows["counted"] > _edge(as_of, months)]
        own = part[part["is_customer_initiated"].astype(bool)]
        found[f"transactions_{months}m_count"] = len(part)
        found[f"frequency_{months}m_count"] = len(own)
        found[f"monetary_{months}m_amount"] = own["amount"].abs().sum() / 100
        found[f"in_{months}m_amount"] = part.loc[part["amount"] > 0, "amount"].sum() / 100
        found[f"out_{months}m_amount"] = -part.loc[part["amount"] < 0, "amount"].sum() / 100
    before = found["in_6m_amount"] - found["in_3m_amount"]
    found["in_change_share"] = found["in_3m_amount"] / before - 1 if before > 0 else np.nan
    channels = own["channel"].dropna()
    found["mobile_12m_share"] = (channels == "mobile").mean() if len(channels) else np.nan
    found |= _naive_salary(rows, as_of)

    ends = pd.to_datetime(tables["balances"]["balance_on"])
    known = tables["balances"].assign(on=ends)[ends <= as_of]
    last = max(known["on"].max(), pd.Timestamp("2022-11-30")) if len(known) else pd.Timestamp("2022-11-30")
    opened_by = {a: pd.Timestamp(o) for a, o in zip(accounts["account_id"], accounts["opened_on"], strict=True)}
    known = known[known["on"] >= known["account_id"].map(opened_by)]
    if len(known):  # months before every account was open are not known
        last = max(known["on"].max(), pd.Timestamp("2022-11-30"))
    known = known.merge(accounts[accounts["customer_id"] == customer], on="account_id")
    known["family"] = known["product_id"].map(family)
    assets = known["balance_amount"].where(known["family"].isin(ASSETS) & (known["balance_amount"] > 0), 0)
    owed = -known["balance_amount"].where(known["family"].isin(ASSETS + DEBTS) & (known["balance_amount"] < 0), 0)
    found["assets_amount"] = assets[known["on"] == last].sum() / 100
    found["debt_amount"] = owed[known["on"] == last].sum() / 100
    year = (assets / 100).groupby(known["on"]).sum()
    year = year[year.index > last - pd.offsets.MonthEnd(12)]
    found["assets_mean_12m_amount"] = year.mean()
    found["assets_min_12m_amount"] = year.min()
    found["assets_max_12m_amount"] = year.max()
    month = year.index.year * 12 + year.index.month
    found["assets_trend_12m_amount"] = np.polyfit(month - month[0], year, 1)[0] if len(year) > 1 else np.nan

    contacts = tables["interactions"]
    contacts = contacts[(contacts["customer_id"] == customer) & ~_after(contacts, "opened_at", as_of.date())]
    recent = _after(contacts, "opened_at", _edge(as_of, 3).date())
    complaints = contacts["kind"] == "complaint"
    settled = contacts["resolved_at"].notna() & ~_after(contacts, "resolved_at", as_of.date())
    found["interactions_3m_count"] = recent.sum()
    found["complaints_3m_count"] = (recent & complaints).sum()
    found["open_complaints_count"] = (complaints & ~settled).sum()
    events = tables["digital_events"]
    events = events[(events["customer_id"] == customer) & ~_after(events, "occurred_at", as_of.date())]
    found["logins_6m_count"] = (
        _after(events, "occurred_at", _edge(as_of, 6).date()) & (events["kind"] == "login")
    ).sum()
    used = pd.to_datetime(events.loc[events["kind"] != "failed_login", "occurred_at"]).max()
    found["digital_recency_days"] = (as_of - used.normalize()).days if pd.notna(used) else np.nan
    return found


def _naive_salary(rows: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, float]:
    """Apply the rule as the dictionary words it."""
    months = []
    for back in range(12):
        part = rows[
            (rows["counted"] > _edge(as_of, back + 1)) & (rows["counted"] <= (_edge(as_of, back) if back else as_of))
        ]
        gains = part[part["amount"] > 0]
        inflows = gains.loc[gains["kind"].isin(["transfer_in", "cash_in", "benefit", "other"]), "amount"]
        months.append(
            (
                gains.loc[gains["kind"].isin(["salary", "pension"]), "amount"].sum(),
                inflows.max() if len(inflows) else 0,
                gains["amount"].sum(),
            )
        )
    salary, inflow, received = (np.array(column, dtype=float) for column in zip(*months, strict=True))
    largest = inflow[:6][inflow[:6] > 0]
    if (salary[:6] > 0).any():
        credited = (salary[:3] > 0).sum() >= 2
        amount = salary[:6][salary[:6] > 0].mean() / 100
    else:
        credited = len(largest) >= 5 and (inflow[:3] > 0).sum() >= 2
        credited = credited and largest.max() <= 1.5 * largest.min() and largest.sum() >= received[:6].sum() / 2
        amount = largest.mean() / 100 if credited else np.nan
    return {"is_salary_credited": bool(credited), "salary_amount": amount if credited else np.nan}


@settings(FEW, max_examples=12)
@given(banks(), AS_OF | st.dates(dt.date(2023, 6, 1), dt.date(2024, 4, 30)))
def test_equals_a_naive_computation_from_raw_rows(tables, as_of):
    bank = _open(tables, max(as_of, dt.date(2024, 4, 30)))
    features = snapshot(bank, as_of).drop(index="keeper")
    people = tables["customers"]
    joined, left = pd.to_datetime(people["joined_on"]), pd.to_datetime(people["left_on"])
    day = pd.Timestamp(as_of)
    assert list(features.index) == sorted(people.loc[(joined <= day) & (left.isna() | (left > day)), "customer_id"])
    for customer in features.index:
        for name, value in _naive(tables, customer, day).items():
            if name == "debt_amount" and name not in features:
                assert features.attrs["absent"][name].endswith("but no balance of them")
                continue
            assert features.loc[customer, name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), (
                customer,
                name,
            )
