"""From the Berka files to the contract's tables: one SQL query a table."""

from __future__ import annotations

import datetime as dt

from crmlab.bank.engine import literal

__all__ = [
    "CARDS",
    "EXTRACTED_ON",
    "FREQUENCIES",
    "KINDS",
    "OPERATIONS",
    "PERFORMANCES",
    "PURPOSES",
    "accounts",
    "balances",
    "customers",
    "prepare",
    "products",
    "transactions",
]

# The source's last day: the status of every loan is as of then.
EXTRACTED_ON = dt.date(1998, 12, 31)

FREQUENCIES = {
    "POPLATEK MESICNE": "monthly",
    "POPLATEK TYDNE": "weekly",
    "POPLATEK PO OBRATU": "after_transaction",
}
# k_symbol of a booking: what it is for. It says more than the operation.
KINDS = {
    "UROK": "interest",
    "SLUZBY": "fee",
    "SANKC. UROK": "penalty",
    "DUCHOD": "pension",
    "SIPO": "bill",
    "POJISTNE": "insurance",
    "UVER": "loan_payment",
    "LEASING": "bill",
}
# operation of a booking -> kind, channel, whether the customer acted
OPERATIONS = {
    "VKLAD": ("cash_in", "branch", True),
    "VYBER": ("cash_out", "branch", True),
    "VYBER KARTOU": ("cash_out", "atm", True),
    "PREVOD Z UCTU": ("transfer_in", "automatic", False),
    "PREVOD NA UCET": ("transfer_out", "automatic", False),
}
# the bank's own bookings, whatever their operation
_OWN = ("UROK", "SLUZBY", "SANKC. UROK")
# k_symbol of a standing order -> product
PURPOSES = {"SIPO": "household", "POJISTNE": "insurance", "LEASING": "leasing", "UVER": "loan_payment"}
PERFORMANCES = {"A": "paid", "B": "defaulted", "C": "running", "D": "in_arrears"}
CARDS = ("junior", "classic", "gold")


def _case(cell: str, words: dict[str, str], otherwise: str) -> str:
    arms = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in words.items())
    return f"CASE {cell} {arms} ELSE {otherwise} END"


def prepare(has: set[str]) -> list[str]:
    """Return the statements that stand between the files and the tables: owners, first accounts, paid orders."""
    statements = [
        # one owner and one authorised person an account: the first by number
        "CREATE TEMP TABLE holders AS SELECT account_id, min(client_id) FILTER (type = 'OWNER' AND place = 1) AS owner,"
        " min(client_id) FILTER (type <> 'OWNER' AND place = 1) AS authorised FROM (SELECT *, row_number() OVER"
        " (PARTITION BY account_id, type = 'OWNER' ORDER BY disp_id) AS place FROM raw.disp) GROUP BY account_id",
        "CREATE TEMP TABLE firsts AS SELECT d.client_id, min(a.date) AS joined_on,"
        " arg_min(a.district_id, (a.date, a.account_id)) AS branch_id"
        " FROM raw.disp d JOIN raw.account a USING (account_id) GROUP BY d.client_id",
    ]
    if {"order", "trans"} <= has:
        # the order table has no date: an order is known from the first booking with its payee and amount
        statements.append(
            "CREATE TEMP TABLE paid AS SELECT t.seq, t.account_id, min(o.order_id) AS order_id, min(t.date) AS date"
            ' FROM ordered t JOIN raw."order" o ON t.account_id = o.account_id AND t.amount = -o.amount'
            " AND t.bank = o.bank_to AND t.account = o.account_to WHERE t.operation = 'PREVOD NA UCET'"
            " GROUP BY t.account_id, t.seq"
        )
    return statements


def customers(has: set[str], extracted_on: dt.date) -> str:
    """Every client; joining is the opening of the first account the client may use."""
    birth = (
        "('19' || c.birth_number[1:2] || lpad((c.birth_number[3:4]::INT % 50)::VARCHAR, 2, '0') || c.birth_number[5:6])"
    )
    fields = [
        "c.client_id AS customer_id",
        # a client without an account is known from the extract only
        f"coalesce(f.joined_on, DATE '{extracted_on}') AS joined_on",
        f"CAST(try_strptime({birth}, '%Y%m%d') AS DATE) AS birth_on",
        "CASE WHEN c.birth_number[3:4]::INT > 50 THEN 'female' ELSE 'male' END AS gender",
    ]
    joins = ""
    if "district" in has:
        fields += [
            "d.A3 AS region",
            "coalesce(d.A2, c.district_id::VARCHAR) AS district",
            "coalesce(b.A2, f.branch_id::VARCHAR) AS branch",
            # the figures are of 1995 and 1996
            "CASE WHEN d.A1 IS NOT NULL THEN DATE '1996-12-31' END AS district_facts_on",
            "d.A4 AS district_inhabitants_count",
            "round(d.A10 / 100, 6) AS district_urban_share",
            "(d.A11 * 100)::BIGINT AS district_salary_amount",
            "round(d.A13 / 100, 6) AS district_unemployment_share",
            "round(d.A14 / 1000, 6) AS district_entrepreneurs_share",
            "d.A16 AS district_crimes_count",
        ]
        joins = " LEFT JOIN raw.district d ON d.A1 = c.district_id LEFT JOIN raw.district b ON b.A1 = f.branch_id"
    else:
        fields += ["c.district_id::VARCHAR AS district", "f.branch_id::VARCHAR AS branch"]
    return (
        f"SELECT {', '.join(fields)} FROM raw.client c LEFT JOIN firsts f USING (client_id){joins} ORDER BY c.client_id"
    )


def products(has: set[str]) -> str:
    """The products of the tables that are there; the source gives no margin and no fee."""
    rows = [("current", "current account", "current")]
    if "loan" in has:
        rows.append(("loan", "loan", "loan"))
    if "card" in has:
        rows += [(f"card_{kind}", f"card {kind}", "card") for kind in (*CARDS, "other")]
    if "order" in has:
        rows += [
            (f"order_{kind}", f"standing order, {kind.replace('_', ' ')}", "payment")
            for kind in (*PURPOSES.values(), "other")
        ]
    listed = ", ".join("(" + ", ".join(literal(cell) for cell in row) + ")" for row in rows)
    # only what somebody holds
    return (
        f"SELECT p.* FROM (VALUES {listed}) AS p(product_id, product_name, family)"
        " SEMI JOIN contracts c ON c.product_id = p.product_id"
    )


def accounts(has: set[str], extracted_on: dt.date) -> str:
    """Current accounts, loans, cards and standing orders, each with a letter before its number."""
    parts = [
        "SELECT 'A' || a.account_id AS account_id, h.owner AS customer_id, 'current' AS product_id,"
        " h.authorised AS authorised_customer_id, a.date AS opened_on,"
        f" {_case('a.frequency', FREQUENCIES, literal('other'))} AS statement_frequency"
        " FROM raw.account a LEFT JOIN holders h USING (account_id)"
    ]
    if "loan" in has:
        ends = "CAST(l.date + to_months(CAST(l.duration AS INTEGER)) AS DATE)"
        ended = f"l.status IN ('A', 'B') AND {ends} <= DATE '{extracted_on}'"
        parts.append(
            "SELECT 'L' || l.loan_id AS account_id, h.owner AS customer_id, 'loan' AS product_id, l.date AS opened_on,"
            f" CASE WHEN {ended} THEN {ends} END AS closed_on, CASE WHEN {ended} THEN 'matured' END AS close_reason,"
            f" {ends} AS matures_on, l.duration AS term_months, l.amount AS limit_amount,"
            f" l.payments AS instalment_amount, {_case('l.status', PERFORMANCES, 'NULL')} AS performance,"
            # a running loan's status is as of the extract; no earlier view may show it
            f" CASE WHEN {ended} THEN {ends} ELSE DATE '{extracted_on}' END AS performance_on"
            " FROM raw.loan l LEFT JOIN holders h USING (account_id)"
        )
    if "card" in has:
        words = {kind: f"card_{kind}" for kind in CARDS}
        parts.append(
            "SELECT 'C' || c.card_id AS account_id, d.client_id AS customer_id, c.issued AS opened_on,"
            f" {_case('c.type', words, literal('card_other'))} AS product_id"
            " FROM raw.card c LEFT JOIN raw.disp d USING (disp_id)"
        )
    if "order" in has:
        words = {code: f"order_{kind}" for code, kind in PURPOSES.items()}
        first = "(SELECT order_id, min(date) AS date FROM paid GROUP BY order_id)" if "trans" in has else None
        known = f"coalesce(p.date, DATE '{extracted_on}')" if first else f"DATE '{extracted_on}'"
        parts.append(
            f"SELECT 'O' || o.order_id AS account_id, h.owner AS customer_id, {known} AS opened_on,"
            f" {_case('o.k_symbol', words, literal('order_other'))} AS product_id, o.amount AS instalment_amount"
            ' FROM raw."order" o LEFT JOIN holders h USING (account_id)'
            + (f" LEFT JOIN {first} p ON p.order_id = o.order_id" if first else "")
        )
    return " UNION ALL BY NAME ".join(parts)


def transactions(has: set[str]) -> str:
    """Every booking, in order of day, account and place in the day."""
    own = "t.k_symbol IN (" + ", ".join(literal(code) for code in _OWN) + ")"
    by_operation = {code: kind for code, (kind, _, _) in OPERATIONS.items()}
    channels = {code: channel for code, (_, channel, _) in OPERATIONS.items()}
    acts = " OR ".join(f"t.operation = {literal(code)}" for code, (_, _, acted) in OPERATIONS.items() if acted)
    join, unordered = "", "false"
    if "order" in has:
        # a transfer that no standing order explains was made by the customer, through a channel the source does not say
        join = " LEFT JOIN paid p ON p.account_id = t.account_id AND p.seq = t.seq"
        unordered = "(t.operation = 'PREVOD NA UCET' AND p.order_id IS NULL)"
    return (
        "SELECT t.trans_id AS transaction_id, 'A' || t.account_id AS account_id,"
        " CAST(t.date AS TIMESTAMP) AS occurred_at, t.date AS booked_on, t.amount,"
        f" {_case('t.k_symbol', KINDS, _case('t.operation', by_operation, literal('other')))} AS kind,"
        f" CASE WHEN {own} OR t.operation IS NULL THEN 'automatic' WHEN {unordered} THEN NULL"
        f" ELSE {_case('t.operation', channels, literal('other'))} END AS channel,"
        f" coalesce(NOT coalesce({own}, false) AND ({acts} OR {unordered}), false) AS is_customer_initiated,"
        " nullif(concat_ws('', t.bank, nullif(t.account, '0')), '') AS counterparty, t.balance AS balance_after_amount"
        f" FROM ordered t{join} ORDER BY t.date, t.account_id, t.seq"
    )


def balances(last_on: dt.date) -> str:
    """The balance after the last booking of each month, carried through quiet months to the last whole month."""
    return (
        "WITH ends AS (SELECT account_id, last_day(date) AS month_on, arg_max(balance, seq) AS balance FROM ordered"
        " GROUP BY ALL), months AS (SELECT account_id, last_day(CAST(unnest(generate_series(date_trunc('month',"
        f" min(month_on)), TIMESTAMP '{last_on}', INTERVAL 1 MONTH)) AS DATE)) AS month_on FROM ends GROUP BY"
        " account_id) SELECT 'A' || m.account_id AS account_id, m.month_on AS balance_on, e.balance AS balance_amount"
        " FROM months m ASOF JOIN ends e ON m.account_id = e.account_id AND m.month_on >= e.month_on"
        f" WHERE m.month_on <= DATE '{last_on}' ORDER BY m.month_on, m.account_id"
    )
