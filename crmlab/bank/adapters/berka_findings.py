"""What a reader of a Berka import must know: disagreements, gaps and oddities, all counted."""

from __future__ import annotations

import datetime as dt

import duckdb

from crmlab.bank.adapters import berka_tables as tables
from crmlab.bank.engine import literal

__all__ = ["LACKS", "describe"]

LACKS = (
    "Margins and fees of products: what a customer earns the bank cannot be said.",
    "Income, occupation, education and consent of customers; district figures (salary, unemployment, crimes, of 1995"
    " and 1996) stand for the surroundings and are shown from 1996-12-31 on.",
    "Closings of current accounts and leavings of customers: the data say nothing about churn.",
    "The day a second person was authorised: the account's opening is taken.",
    "Balances of loans and cards; only current accounts have them.",
    "The clock of a booking; within a day the order follows from the balances.",
    "Contacts, complaints, digital use, surveys and campaigns.",
    "The account a loan or a standing order is paid from, and the payee of an order, have no place in the contract.",
)


def describe(
    connection: duckdb.DuckDBPyConnection, has: set[str], checks: dict[str, object], facts: dict[str, object]
) -> list[str]:
    """Return the findings as sentences; the counts behind them are added to ``checks``."""
    said = []
    if "trans" in has:
        said += _balances(checks["balance"])
        if "report_on" in facts:
            said.append(_report_day(connection, checks["bookings_last_on"], facts))
    counted = {}
    for key, query, sentence in _counts(has, facts["extracted_on"]):
        counted[key] = connection.execute(f"SELECT count(*) FROM {query}").fetchall()[0][0]
        if counted[key]:
            said.append(sentence.replace("#", f"{counted[key]:,}"))
    checks["counts"] = counted
    missing = [name for name in ("order", "loan", "card", "district", "trans") if name not in has]
    if missing:
        said.append(f"Files not there: {', '.join(missing)}. What they hold is absent.")
    return said


def _balances(check: dict) -> list[str]:
    bookings = check["bookings"]
    said = [
        f"The balance after a booking is the balance before plus the amount in {check['agree']:,} of {bookings:,}"
        f" bookings; in {check['rounding']:,} ({check['rounding'] / bookings:.2%}) it is off by up to 0.10, as the"
        " source rounds both on its own."
    ]
    if check["disagree"]:
        days = ", ".join(f"{day} ({n:,})" for day, n in check["by_day"].items())
        said.append(
            f"In {check['disagree']:,} bookings ({check['disagree'] / bookings:.3%}) of {check['accounts']:,} accounts"
            f" it is off by more, at most {check['largest_amount']:,.2f}: a booking before it is missing, or one of the"
            f" two figures is wrong. Days: {days}. Nothing was mended."
        )
    if check["openings_off"]:
        said.append(
            f"{check['openings_off']:,} of {check['openings']:,} accounts begin with a balance that is not their first"
            " amount: their history begins before the file."
        )
    said.append(
        f"The order within a day was searched for {check['days_searched']:,} days of an account; elsewhere credits come"
        f" first. The sum of all amounts is at most {check['drift_largest_amount']:,.2f} away from the balance."
    )
    return said


def _report_day(connection: duckdb.DuckDBPyConnection, last_on: dt.date, facts: dict[str, object]) -> str:
    rows = connection.execute(f"SELECT count(*) FROM ordered WHERE date = DATE '{last_on}'").fetchall()[0][0]
    return (
        f"The bookings end on {last_on} ({rows:,} on that day), the other tables reach {facts['extracted_on']}: the"
        f" file was cut, and nothing says that its last day is whole. Reports speak from {facts['report_on']}"
        " (report_on in bank.yml), the end of the last month that surely is. Another day can be given with"
        " --as-of; after the end of the bookings every customer looks quiet."
    )


def _counts(has: set[str], extracted_on: dt.date) -> list[tuple[str, str, str]]:
    """Return (key, what is counted, sentence with # for the count)."""
    return [
        *_people(extracted_on),
        *_orphans(has),
        *_loans(has, extracted_on),
        *_orders(has, extracted_on),
        *_codes(has),
    ]


def _people(extracted_on: dt.date) -> list[tuple[str, str, str]]:
    several = "(SELECT account_id FROM raw.disp WHERE type {} 'OWNER' GROUP BY 1 HAVING count(*) > 1)"
    return [
        (
            "clients_without_account",
            "raw.client ANTI JOIN firsts USING (client_id)",
            f"Clients linked to no account: #. They are kept as customers known from {extracted_on}.",
        ),
        (
            "accounts_without_owner",
            "raw.account ANTI JOIN (FROM holders WHERE owner IS NOT NULL) USING (account_id)",
            "Accounts without an owner: #. crmlab check sets them aside.",
        ),
        (
            "accounts_with_owners",
            several.format("="),
            "Accounts with more than one owner: #. The first by number is kept.",
        ),
        (
            "accounts_with_authorised",
            several.format("<>"),
            "Accounts with more than one authorised person: #. The first by number is kept.",
        ),
    ]


def _orphans(has: set[str]) -> list[tuple[str, str, str]]:
    links = [("disp", "client"), ("disp", "account"), ("loan", "account"), ("card", "disp"), ("order", "account")]
    rows = [(name, f'raw."{name}"', parent) for name, parent in links if name in has]
    if "trans" in has:
        rows.append(("trans", "ordered", "account"))
    return [
        (
            f"{name}_without_{parent}",
            f"{table} ANTI JOIN raw.{parent} USING ({parent}_id)",
            f"Rows of {name} that name an unknown {parent}: #. Kept; crmlab check sets aside what hangs on them.",
        )
        for name, table, parent in rows
    ]


def _loans(has: set[str], extracted_on: dt.date) -> list[tuple[str, str, str]]:
    if "loan" not in has:
        return []
    where = "contracts WHERE product_id = 'loan' AND performance IN ({}) AND matures_on {} DATE '" + f"{extracted_on}'"
    return [
        (
            "loans_finished_early",
            where.format("'paid', 'defaulted'", ">"),
            f"Loans called finished that run beyond {extracted_on}: #. They stay open.",
        ),
        (
            "loans_running_late",
            where.format("'running', 'in_arrears'", "<="),
            f"Loans called running that were due by {extracted_on}: #. They stay open.",
        ),
    ]


def _orders(has: set[str], extracted_on: dt.date) -> list[tuple[str, str, str]]:
    if "order" not in has:
        return []
    counts = [
        (
            "orders_undated",
            f"contracts WHERE account_id LIKE 'O%' AND opened_on = DATE '{extracted_on}'",
            f"Standing orders that no booking pays: #. Without a date of their own they are known from {extracted_on}.",
        )
    ]
    if "trans" in has:
        counts.append(
            (
                "transfers_without_order",
                "ordered t ANTI JOIN paid p ON p.account_id = t.account_id AND p.seq = t.seq"
                " WHERE t.operation = 'PREVOD NA UCET'",
                "Transfers out that match no standing order: #. They are taken for the customer's own.",
            )
        )
    return counts


def _codes(has: set[str]) -> list[tuple[str, str, str]]:
    known = {
        "account.frequency": tables.FREQUENCIES,
        "disp.type": ("OWNER", "DISPONENT"),
        "order.k_symbol": tables.PURPOSES,
        "loan.status": tables.PERFORMANCES,
        "card.type": tables.CARDS,
        "trans.operation": tables.OPERATIONS,
        "trans.k_symbol": tables.KINDS,
    }
    counts = []
    for place, words in known.items():
        name, column = place.split(".")
        if name in has:
            table = "ordered" if name == "trans" else f'raw."{name}"'
            listed = ", ".join(literal(word) for word in words)
            sentence = f"Rows of {place} with an unknown code: #. It is read as other."
            counts.append((f"{place}_unknown", f"{table} WHERE {column} NOT IN ({listed})", sentence))
    return counts
