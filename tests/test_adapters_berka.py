"""The Berka adapter: every row arrives, signs and words are right, balances are checked and never mended."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
from collections import Counter, defaultdict
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.bank import Bank
from crmlab.bank.adapters import import_bank
from crmlab.bank.adapters.berka_order import _chain
from crmlab.cli import main
from crmlab.errors import CrmlabError

# Three accounts. On 93-01-31 the numbers of account 1 put the fee before the interest, the balances the other way
# round; on 93-04-30 account 2 is off by 50; account 2 has a second person, client 4 has no account.
FILES = {
    "account": """
        "account_id";"district_id";"frequency";"date"
        1;1;"POPLATEK MESICNE";930101
        2;2;"POPLATEK TYDNE";930201
        3;2;"POPLATEK PO OBRATU";950301""",
    "client": """
        "client_id";"birth_number";"district_id"
        1;"706213";1
        2;"450204";2
        3;"010101";2
        4;"805101";1""",
    "disp": """
        "disp_id";"client_id";"account_id";"type"
        1;1;1;"OWNER"
        2;2;2;"OWNER"
        3;3;2;"DISPONENT"
        4;1;3;"OWNER\"""",
    "order": """
        "order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"
        11;1;"YZ";"87144583";100.00;"SIPO"
        12;1;"QR";"555";20.50;" "
        13;2;"QR";"777";30.00;"UVER\"""",
    "loan": """
        "loan_id";"account_id";"date";"amount";"duration";"payments";"status"
        21;1;930705;96396;12;8033.00;"B"
        22;2;960705;60000;60;1000.00;"D\"""",
    "card": """
        "card_id";"disp_id";"type";"issued"
        31;3;"gold";931107 00:00:00""",
    "district": """
        A1;A2;A3;A4;A5;A6;A7;A8;A9;A10;A11;A12;A13;A14;A15;A16
        1;"Hl.m. Praha";"Prague";1204953;0;0;0;1;1;100.0;12541;0.29;0.43;167;85677;99107
        2;"Jesenik";"north Moravia";42821;4;13;5;1;3;48.4;8173;?;7.01;124;?;1358""",
    "trans": """
        "trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"
        101;1;930101;"PRIJEM";"VKLAD";700.00;700.00;"";;
        102;1;930131;"VYDAJ";"VYBER";14.60;688.00;"SLUZBY";;
        109;1;930131;"PRIJEM";"";2.60;702.60;"UROK";;
        103;1;930412;"VYDAJ";"PREVOD NA UCET";100.00;588.00;"SIPO";"YZ";"87144583"
        104;2;930201;"PRIJEM";"PREVOD Z UCTU";900.00;900.00;"DUCHOD";"AB";"1"
        105;2;930331;"VYBER";"VYBER";300.00;600.00;" ";;"0"
        106;2;930430;"VYDAJ";"VYBER KARTOU";100.00;450.00;;;
        107;2;930501;"VYDAJ";"PREVOD NA UCET";10.00;440.00;"";"QR";"777\"""",
}


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name, text in FILES.items():
        lines = [line.strip() for line in text.strip().splitlines()]
        (source / f"{name}.asc").write_bytes("\r\n".join([*lines, ""]).encode())
    return source


def _import(source, tmp_path, **options):
    report = import_bank("berka", source, tmp_path / "bank", **options)
    return report, Bank.open(tmp_path / "bank")


def _rows(bank, table, *columns):
    """Rows by the first column, as text; an empty cell is an empty text."""
    frame = bank.frame(table, columns)
    cells = [
        ["" if pd.isna(cell) else str(cell.date()) if isinstance(cell, pd.Timestamp) else str(cell) for cell in row]
        for row in frame.itertuples(index=False, name=None)
    ]
    return {row[0]: tuple(row[1:]) for row in cells}


def test_clients_become_customers_with_birth_gender_and_district(folder, tmp_path):
    report, bank = _import(folder, tmp_path)
    columns = ("customer_id", "birth_on", "gender", "joined_on", "region", "district", "branch")
    assert _rows(bank, "customers", *columns) == {
        "1": ("1970-12-13", "female", "1993-01-01", "Prague", "Hl.m. Praha", "Hl.m. Praha"),
        "2": ("1945-02-04", "male", "1993-02-01", "north Moravia", "Jesenik", "Jesenik"),
        "3": ("1901-01-01", "male", "1993-02-01", "north Moravia", "Jesenik", "Jesenik"),
        "4": ("1980-01-01", "female", "1998-12-31", "Prague", "Hl.m. Praha", ""),
    }
    jesenik = bank.frame("customers").set_index("customer_id").loc["2"]
    assert jesenik["district_unemployment_share"] == 0.0701
    assert jesenik["district_entrepreneurs_share"] == 0.124
    assert jesenik["district_urban_share"] == 0.484
    assert jesenik["district_salary_amount"] == 8173
    assert jesenik["district_crimes_count"] == 1358
    assert "Clients linked to no account: 1. They are kept as customers known from 1998-12-31." in report.findings


def test_accounts_loans_cards_and_orders_become_accounts(folder, tmp_path):
    _, bank = _import(folder, tmp_path)
    columns = ("account_id", "customer_id", "authorised_customer_id", "product_id", "opened_on", "statement_frequency")
    assert _rows(bank, "accounts", *columns) == {
        "A1": ("1", "", "current", "1993-01-01", "monthly"),
        "A2": ("2", "3", "current", "1993-02-01", "weekly"),
        "A3": ("1", "", "current", "1995-03-01", "after_transaction"),
        "L21": ("1", "", "loan", "1993-07-05", ""),
        "L22": ("2", "", "loan", "1996-07-05", ""),
        "C31": ("3", "", "card_gold", "1993-11-07", ""),  # the second person's card
        "O11": ("1", "", "order_household", "1993-04-12", ""),  # the day of its first booking
        "O12": ("1", "", "order_other", "1998-12-31", ""),
        "O13": ("2", "", "order_loan_payment", "1998-12-31", ""),  # the booking to 777 has another amount
    }
    assert _rows(bank, "products", "product_id", "family") == {
        "current": ("current",),
        "loan": ("loan",),
        "card_gold": ("card",),
        "order_household": ("payment",),
        "order_loan_payment": ("payment",),
        "order_other": ("payment",),
    }


def test_the_end_of_a_loan_is_seen_only_when_it_is_known(folder, tmp_path):
    _, bank = _import(folder, tmp_path)
    columns = ("account_id", "closed_on", "close_reason", "matures_on", "performance", "performance_on", "term_months")
    loans = {key: row for key, row in _rows(bank, "accounts", *columns).items() if key[0] == "L"}
    assert loans == {
        "L21": ("1994-07-05", "matured", "1994-07-05", "defaulted", "1994-07-05", "12.0"),
        "L22": ("", "", "2001-07-05", "in_arrears", "1998-12-31", "60.0"),
    }
    before = _rows(bank.as_of("1994-07-04"), "accounts", "account_id", "closed_on", "performance", "matures_on")
    assert before["L21"] == ("", "", "1994-07-05")
    assert "L22" not in before
    assert _rows(bank.as_of("1998-12-30"), "accounts", "account_id", "performance")["L22"] == ("",)


def test_bookings_get_a_sign_a_kind_a_channel_and_an_actor(folder, tmp_path):
    _, bank = _import(folder, tmp_path)
    columns = ("transaction_id", "account_id", "booked_on", "amount", "kind", "channel", "is_customer_initiated")
    assert _rows(bank, "transactions", *columns) == {
        "101": ("A1", "1993-01-01", "700.0", "cash_in", "branch", "True"),
        "109": ("A1", "1993-01-31", "2.6", "interest", "automatic", "False"),
        "102": ("A1", "1993-01-31", "-14.6", "fee", "automatic", "False"),
        "103": ("A1", "1993-04-12", "-100.0", "bill", "automatic", "False"),
        "104": ("A2", "1993-02-01", "900.0", "pension", "automatic", "False"),
        "105": ("A2", "1993-03-31", "-300.0", "cash_out", "branch", "True"),
        "106": ("A2", "1993-04-30", "-100.0", "cash_out", "atm", "True"),
        "107": ("A2", "1993-05-01", "-10.0", "transfer_out", "", "True"),  # no standing order pays it
    }


def test_balances_are_checked_against_the_running_sum_and_not_mended(folder, tmp_path):
    report, bank = _import(folder, tmp_path)
    # account 1: 700 + 2.60 - 14.60 = 688, then - 100 = 588: all agree once the interest comes first
    # account 2: 900 - 300 = 600, - 100 should be 500 but the source says 450
    assert report.checks["balance"] == {
        "bookings": 8,
        "agree": 7,
        "rounding": 0,
        "disagree": 1,
        "accounts": 1,
        "largest_amount": 50.0,
        "openings": 2,
        "openings_off": 0,
        "drift_largest_amount": 50.0,
        "by_day": {"1993-04-30": 1},
        "days_searched": 0,
    }
    assert _rows(bank, "transactions", "transaction_id", "balance_after_amount")["106"] == ("450.0",)
    written = json.loads((tmp_path / "bank" / "import_report.json").read_text())
    assert written["checks"]["balance"]["largest_amount"] == 50.0
    assert "a booking before it is missing" in (tmp_path / "bank" / "import_report.md").read_text()


def test_an_order_against_the_rule_is_found_from_the_balances(folder, tmp_path):
    # the rule puts credits first; here the balances say: out, in, out
    _change(
        folder / "trans.asc", '102;1;930131;"VYDAJ";"VYBER";14.60;688.00;', '102;1;930131;"VYDAJ";"VYBER";14.60;685.40;'
    )
    _change(folder / "trans.asc", '109;1;930131;"PRIJEM";"";2.60;702.60;', '109;1;930131;"PRIJEM";"";2.60;688.00;')
    report, bank = _import(folder, tmp_path)
    assert report.checks["balance"]["agree"] == 7
    assert report.checks["balance"]["days_searched"] == 1
    ids = bank.frame("transactions", ["transaction_id"])["transaction_id"].tolist()
    assert ids.index("102") < ids.index("109")
    assert _balances(bank)["A1", "1993-01-31"] == 688.0


def _balances(bank):
    frame = bank.frame("balances")
    return {(a, str(on.date())): amount for a, on, amount in frame.itertuples(index=False, name=None)}


def test_month_ends_carry_the_balance_through_quiet_months(folder, tmp_path):
    _, bank = _import(folder, tmp_path)
    # bookings end on 1993-05-01, so the last whole month is April
    assert _balances(bank) == {
        ("A1", "1993-01-31"): 688.0,
        ("A1", "1993-02-28"): 688.0,
        ("A1", "1993-03-31"): 688.0,
        ("A1", "1993-04-30"): 588.0,
        ("A2", "1993-02-28"): 900.0,
        ("A2", "1993-03-31"): 600.0,
        ("A2", "1993-04-30"): 450.0,
    }


def test_a_cut_file_speaks_from_its_last_whole_month(folder, tmp_path):
    report, bank = _import(folder, tmp_path)
    assert report.bank["extracted_on"] == bank.last_on == dt.date(1998, 12, 31)
    assert report.bank["report_on"] == bank.report_on == bank.as_of().date == dt.date(1993, 4, 30)
    assert bank.as_of("1995-01-01").date == dt.date(1995, 1, 1)


def test_optional_files_may_be_absent_and_csv_endings_will_do(folder, tmp_path):
    for name in ("order", "loan", "card", "district", "trans"):
        (folder / f"{name}.asc").unlink()
    for name in ("account", "client", "disp"):
        (folder / f"{name}.asc").rename(folder / f"{name.upper()}.CSV")
    report, bank = _import(folder, tmp_path)
    assert bank.tables == ("customers", "products", "accounts")
    assert report.rows_written == {"customers": 4, "products": 1, "accounts": 3}
    assert "Files not there: order, loan, card, district, trans. What they hold is absent." in report.findings
    assert _rows(bank, "customers", "customer_id", "district", "branch")["2"] == ("2", "2")


def _change(path, old, new):
    text = path.read_bytes().decode("latin-1")
    assert old in text
    path.write_bytes(text.replace(old, new).encode("latin-1"))


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("account", '"account_id";"district_id";"frequency";"date"', "account_id,district_id,frequency,date",
         "account.asc is separated by ',', not by ';'. Export it with ';', as the original is."),
        ("account", '"frequency"', '"freqency"',
         "account.asc lacks columns ['frequency']; it has ['account_id', 'district_id', 'freqency', 'date']."
         " Did you mean 'frequency'? Name the columns as the original does."),
        ("trans", "900.00;900.00", "900.00;nine",
         "trans.asc: 1 row holds no amount in 'balance', first in line 6. Mend the file, or download it again."),
        ("trans", "104;2;930201", "104;2;930231",
         "trans.asc: 1 row holds no date as YYMMDD in 'date', first in line 6. Mend the file, or download it again."),
        ("trans", '101;1;930101;"PRIJEM"', '101;1;930101;"ZISK"',
         "trans: type 'ZISK' in 1 rows is neither PRIJEM (credit) nor VYDAJ or VYBER (debit), so the sign is unknown."
         " Bring the codes back to the original's."),
        ("client", '"706213"', '"707913"',
         "client.asc: 1 row holds no birth number as YYMMDD (women: month + 50) in 'birth_number',"
             " first in line 2."
         " Mend the file, or download it again."),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_place(folder, tmp_path, name, old, new, said):
    _change(folder / f"{name}.asc", old, new)
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berka", folder, tmp_path / "bank")
    assert str(refusal.value) == said
    assert not (tmp_path / "bank").exists()


def test_lines_that_do_not_fit_and_foreign_letters_are_told(folder, tmp_path):
    with (folder / "card.asc").open("ab") as handle:
        handle.write(b'32;3;"gold"\r\n')
    with (folder / "district.asc").open("ab") as handle:
        handle.write(b'3;"P\xed\xb9ek";"south Bohemia";1;0;0;0;1;1;1.0;1;1;1;1;1;1\r\n')
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berka", folder, tmp_path / "bank")
    assert refusal.value.problems == (
        "card.asc has 3 cells in line 3, not 4. Mend the line, or download it again.",
        "district.asc is not UTF-8 text in line 4. Save it as UTF-8, or download it again.",
    )


def test_an_empty_table_is_refused(folder, tmp_path):
    for name in ("client", "trans"):
        header = (folder / f"{name}.asc").read_bytes().splitlines(keepends=True)[0]
        (folder / f"{name}.asc").write_bytes(header)
    (folder / "card.asc").write_bytes(b"")
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berka", folder, tmp_path / "bank")
    assert refusal.value.problems == ("card.asc is empty: it has no header. Export it again.",)
    (folder / "card.asc").unlink()
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berka", folder, tmp_path / "bank")
    assert refusal.value.problems == (
        "client.asc holds no row. Download it again.",
        "trans.asc holds no row. Remove it, or download it again.",
    )


def test_without_standing_orders_every_transfer_out_is_taken_for_one(folder, tmp_path):
    (folder / "order.asc").unlink()
    _, bank = _import(folder, tmp_path)
    seen = _rows(bank, "transactions", "transaction_id", "kind", "channel", "is_customer_initiated")
    assert seen["103"] == ("bill", "automatic", "False")
    assert seen["107"] == ("transfer_out", "automatic", "False")


def test_codes_nobody_knows_are_kept_as_other_and_told(folder, tmp_path):
    _change(folder / "trans.asc", '"VYBER KARTOU"', '"SEK"')
    _change(folder / "card.asc", '"gold"', '"platinum"')
    report, bank = _import(folder, tmp_path)
    assert _rows(bank, "transactions", "transaction_id", "kind", "channel")["106"] == ("other", "other")
    assert _rows(bank, "accounts", "account_id", "product_id")["C31"] == ("card_other",)
    assert "Rows of trans.operation with an unknown code: 1. It is read as other." in report.findings
    assert "Rows of card.type with an unknown code: 1. It is read as other." in report.findings


def test_missing_files_are_named(folder, tmp_path):
    (folder / "disp.asc").unlink()
    (folder / "client.asc").unlink()
    (folder / "trans.asc").unlink()
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berka", folder, tmp_path / "bank")
    assert str(refusal.value) == (
        f"{str(folder)!r} lacks ['client.asc', 'disp.asc']; it has ['account.asc', 'order.asc', 'loan.asc', 'card.asc',"
        " 'district.asc']. Add the missing files."
    )


def test_orphans_and_double_roles_are_counted(folder, tmp_path):
    with (folder / "disp.asc").open("a") as handle:
        handle.write('5;1;2;"OWNER"\r\n6;4;2;"DISPONENT"\r\n7;9;9;"OWNER"\r\n')
    _change(folder / "card.asc", "31;3;", "31;99;")
    report, _ = _import(folder, tmp_path)
    counts = {key: n for key, n in report.checks["counts"].items() if n}
    assert (
        counts
        == {
            "accounts_with_owners": 1,
            "accounts_with_authorised": 1,
            "disp_without_client": 1,
            "disp_without_account": 1,
            "card_without_disp": 1,
            "orders_undated": 2,
            "transfers_without_order": 1,
            "clients_without_account": 0,
        }
        or counts
    )


def _raw(folder, name):
    with (folder / f"{name}.asc").open(newline="", encoding="latin-1") as handle:
        return list(csv.DictReader(handle, delimiter=";"))


@pytest.fixture(scope="module")
def czech(real_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("czech") / "bank"
    report = import_bank("berka", real_data / "berka", out)
    return real_data / "berka", report, Bank.open(out)


def test_the_real_files_keep_every_row_and_sum(czech):
    folder, report, bank = czech
    raw = _raw(folder, "trans")
    accounts = bank.frame("accounts")
    prefixes = Counter(accounts["account_id"].str[0])
    assert prefixes == {
        "A": len(_raw(folder, "account")),
        "L": len(_raw(folder, "loan")),
        "C": len(_raw(folder, "card")),
        "O": len(_raw(folder, "order")),
    }
    assert len(bank.frame("customers")) == len(_raw(folder, "client"))
    kept = {
        row[0]: row[1:]
        for row in bank.sql(
            "select transaction_id, account_id, booked_on, amount, balance_after_amount from transactions"
        ).fetchall()
    }
    assert len(kept) == len(raw) == report.rows_written["transactions"]
    sign = {"PRIJEM": 1, "VYDAJ": -1, "VYBER": -1}
    sums = defaultdict(int)
    for row in raw:
        cents = int(Decimal(row["amount"]) * 100)
        day = dt.datetime.strptime("19" + row["date"], "%Y%m%d").date()
        expected = ("A" + row["account_id"], day, sign[row["type"]] * cents, int(Decimal(row["balance"]) * 100))
        assert kept[row["trans_id"]] == expected
        sums[row["type"]] += cents
    assert {code: round(cell["amount"] * 100) for code, cell in report.checks["bookings_by_type"].items()} == sums


def test_the_real_balances_are_those_of_the_source(czech):
    """Month-ends against the file itself: the source's last balance of the month is one of that day's balances."""
    folder, report, bank = czech
    days = defaultdict(lambda: defaultdict(set))
    sums = defaultdict(lambda: defaultdict(int))
    for row in _raw(folder, "trans"):
        sign = 1 if row["type"] == "PRIJEM" else -1
        days[row["account_id"]][row["date"]].add(int(Decimal(row["balance"]) * 100))
        sums[row["account_id"]][row["date"]] += sign * int(Decimal(row["amount"]) * 100)
    # seen with the order searched over all permutations in a separate program: 46,749 + 2,325 + 28 = 49,102
    balance = report.checks["balance"]
    assert (balance["agree"], balance["rounding"], balance["disagree"]) == (46_749, 2_325, 28)
    assert balance["by_day"] == {"1994-03-31": 28}
    assert (balance["openings"], balance["openings_off"]) == (1_229, 0)
    checked = 0
    for account, month, cents in bank.sql("select account_id, balance_on, balance_amount from balances").fetchall():
        limit = f"{month:%y%m%d}"
        last = max(day for day in days[account[1:]] if day <= limit)
        assert cents in days[account[1:]][last]
        total = sum(amount for day, amount in sums[account[1:]].items() if day <= limit)
        # the source rounds each figure to 10 hellers, and 28 bookings of the last day are missing
        assert abs(cents - total) <= (500 if limit < "940331" else 33_220)
        checked += 1
    assert checked == report.rows_written["balances"]


def test_the_real_import_passes_the_check_at_the_door(czech):
    _, _, bank = czech
    assert bank.check().errors == ()
    assert bank.check().set_aside == 0


def test_the_real_oddities_are_counted(czech):
    odd = czech[1].checks["oddities"]
    assert list(odd["busy_months"]) == ["1994-01"]
    assert (odd["loans_during_bookings"], odd["loans_paid_in"]) == (38, 0)


def test_the_command_prints_the_account_of_the_import(folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["import", "berka", str(folder), "--out", str(tmp_path / "bank")])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "read     account.asc 3, client.asc 4" in said
    assert "wrote    customers 4, products 6, accounts 9, balances 7, transactions 8" in said


@given(
    start=st.integers(-10_000, 10_000),
    amounts=st.lists(st.integers(-9_000, 9_000).filter(bool), min_size=1, max_size=6),
    shuffle=st.randoms(use_true_random=False),
)
def test_any_order_of_a_day_that_adds_up_is_found(start, amounts, shuffle):
    balances = list(itertools.accumulate(amounts, initial=start))[1:]
    rows = list(zip(amounts, balances, strict=True))
    shuffle.shuffle(rows)
    order = _chain(start, [amount for amount, _ in rows], [balance for _, balance in rows])
    assert sorted(order) == list(range(len(rows)))
    balance = start
    for amount, after in (rows[index] for index in order):
        assert balance + amount == after
        balance = after
