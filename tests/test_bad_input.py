"""Every kind of bad input is a clear refusal, or a row that is set aside and counted; the whole message is asserted."""

from __future__ import annotations

import duckdb
import pytest

from crmlab.bank import CONTRACT, Bank
from crmlab.bank.door import inspect
from crmlab.errors import CrmlabError

GOOD = {
    "customers.csv": "customer_id,joined_on,birth_on\n0001,2020-01-01,1980-05-01\n0002,2020-02-01,1990-06-01\n",
    "products.csv": "product_id,family\nP1,current\n",
    "accounts.csv": "account_id,customer_id,product_id,opened_on\nA1,0001,P1,2020-01-05\nA2,0002,P1,2020-02-05\n",
}


@pytest.fixture
def folder(tmp_path):
    """Write files (text or bytes) into a folder; what is not given is good; None leaves a file out."""

    def write(**files):
        place = tmp_path / "bank"
        place.mkdir(exist_ok=True)
        given = {name.replace("__", "."): content for name, content in files.items()}
        for name, content in {**GOOD, "bank.yml": "name: Test\nextracted_on: 2024-12-31\n", **given}.items():
            (place / name).unlink(missing_ok=True)
            if content is not None:
                (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    return write


def errors(source) -> list[str]:
    return [one.text for one in inspect(source)[0].errors]


def refusal(source) -> str:
    with pytest.raises(CrmlabError) as caught:
        Bank.open(source)
    return str(caught.value)


CUSTOMER_COLUMNS = list(CONTRACT["customers"].by_name)


def ids(source, table="customers", column="customer_id") -> list[str]:
    return Bank.open(source).frame(table)[column].tolist()


def quarantined(source) -> list[tuple]:
    report, _ = inspect(source)
    return duckdb.sql(f"""SELECT "table", "row", rules, fate FROM '{report.quarantine}'""").fetchall()


def test_good_input_breaks_no_rule(folder):
    report, is_readable = inspect(folder())
    assert is_readable
    assert [one.rule for one in report.violations] == ["absent columns"] * 3
    assert report.quarantine is None


# --- the source and its files ---


def test_missing_source(tmp_path):
    (tmp_path / "simulated").mkdir()
    assert refusal(tmp_path / "simulatd") == (
        f"source '{tmp_path}/simulatd' does not exist. Did you mean 'simulated'?"
        " Give a folder of Parquet or CSV files, a DuckDB file or a bank.yml."
    )


def test_folder_without_tables(tmp_path):
    (tmp_path / "customer.csv").write_text("x\n1\n")
    assert refusal(tmp_path) == (
        f"{tmp_path} holds no contract table; it has ['customer.csv']. Did you mean 'customers'?"
        " Name files after the tables, such as customers.csv, or write a bank.yml."
    )


def test_missing_file_of_a_mapping(folder):
    place = folder(bank__yml="tables:\n  customers: {files: custmers.csv}\n")
    assert refusal(place) == (
        f"bank.yml: tables.customers: file 'custmers.csv' does not exist in {place}. Did you mean 'customers.csv'?"
        " Correct the name."
    )


def test_file_that_is_no_source(tmp_path):
    path = tmp_path / "bank.xlsx"
    path.write_bytes(b"PK\x03\x04 and so on")
    assert refusal(path) == (
        f"source '{path}' is no DuckDB file and no bank.yml. Give the folder that holds it, or map it in a bank.yml."
    )


def test_one_table_is_no_source(folder):
    path = folder() / "customers.csv"
    assert refusal(path) == (
        f"source '{path}' is one file, not a bank. Give the folder that holds it when it is named after a table;"
        " turn a text file with one row a customer into a bank with crmlab import flat."
    )


def test_table_given_twice(folder):
    place = folder()
    duckdb.sql("SELECT 1 AS x").write_parquet(str(place / "accounts.parquet"))
    assert refusal(place) == "accounts is there more than once: accounts.parquet and accounts.csv. Keep one."


def test_parquet_that_is_none(folder):
    place = folder(accounts__csv=None, accounts__parquet="account_id\nA1\n")
    text = refusal(place)
    assert text.startswith("accounts.parquet cannot be read as Parquet: ")
    assert text.endswith(" Export it again.")
    assert str(place) not in text


def test_empty_file(folder):
    assert refusal(folder(accounts__csv="")) == (
        "accounts.csv is empty: it has 0 bytes. Export it again, or remove it."
    )


def test_empty_table(folder):
    place = folder(customers__csv="customer_id,joined_on\n", accounts__csv=None)
    assert errors(place) == ["customers: customers.csv holds no row. Export it again, or remove it."]
    place = folder(surveys__csv="response_id,customer_id,wave,answered_at,item\n")
    (warning,) = [one for one in inspect(place)[0].violations if one.rule == "empty table"]
    assert (warning.severity, warning.text) == (
        "warning",
        "surveys: surveys.csv holds no row. Export it again, or remove it.",
    )
    assert not Bank.open(place).has("surveys")


def test_wrong_delimiter(folder):
    mapping = "tables:\n  customers: {files: customers.csv, delimiter: ';'}\n"
    assert refusal(folder(bank__yml=mapping)) == (
        "customers.csv: delimiter ';' gives one column, ',' gives 3. Write delimiter: ',' in bank.yml."
    )


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_delimiter_is_found(folder, sign):
    assert ids(folder(customers__csv=GOOD["customers.csv"].replace(",", sign))) == ["0001", "0002"]


def test_delimiter_is_found_by_names_not_by_counting(folder):
    # the header's comma is part of a quoted name; more commas than semicolons must not win
    text = 'customer_id;"a,b,c,d,e";joined_on\n0001;x;2020-01-01\n0002;x;2020-01-01\n'
    assert ids(folder(customers__csv=text)) == ["0001", "0002"]


def test_wrong_encoding(folder):
    text = "customer_id,joined_on,region\n0001,2020-01-01,North\n0002,2020-02-01,Jižní Čechy\n"
    assert refusal(folder(customers__csv=text.encode("cp1250"))) == (
        "customers.csv is not UTF-8: byte 0x9E in line 3. Give its encoding in bank.yml, such as cp1252."
    )
    mapping = "tables:\n  customers: {files: customers.csv, encoding: cp1250}\n"
    place = folder(customers__csv=text.encode("cp1250"), bank__yml=mapping)
    assert Bank.open(place).frame("customers")["region"].tolist() == ["North", "Jižní Čechy"]
    assert refusal(folder(customers__csv=text.encode(), bank__yml=mapping)) == (
        "customers.csv is UTF-8, but bank.yml says cp1250, which would garble it. Leave encoding out."
    )
    assert refusal(folder(customers__csv=text, bank__yml=mapping.replace("cp1250", "cp125o"))) == (
        "customers.csv: encoding 'cp125o' is unknown. Did you mean 'cp1252'?"
        " Known are such as ['utf-8', 'utf-16', 'cp1250', 'cp1252', 'latin-1', 'gb18030', 'big5']."
    )


def test_utf16(folder):
    text = GOOD["customers.csv"].encode("utf-16")
    assert refusal(folder(customers__csv=text)) == (
        "customers.csv is not text: line 1 holds zero bytes. Give its encoding, such as utf-16, in bank.yml."
    )
    mapping = "tables:\n  customers: {files: customers.csv, encoding: utf-16}\n"
    assert ids(folder(customers__csv=text, bank__yml=mapping)) == ["0001", "0002"]


def test_byte_order_mark_is_no_part_of_a_name(folder):
    assert ids(folder(customers__csv=b"\xef\xbb\xbf" + GOOD["customers.csv"].encode())) == ["0001", "0002"]


def test_missing_required_column(folder):
    text = "account_id,customer_id,product_id,opend_on\nA1,0001,P1,2020-01-05\n"
    message = (
        "accounts.csv lacks columns ['opened_on'], which accounts requires; it has"
        " ['account_id', 'customer_id', 'product_id', 'opend_on']. Did you mean 'opend_on'? Map them in bank.yml."
    )
    place = folder(accounts__csv=text)
    assert refusal(place) == message
    # the check tells it beside everything else instead of stopping
    assert errors(place) == [message]


def test_every_problem_at_once(folder):
    place = folder(accounts__csv="", products__csv="product\nP1\n")
    assert refusal(place) == (
        "2 problems:\n"
        "- accounts.csv is empty: it has 0 bytes. Export it again, or remove it.\n"
        "- products.csv lacks columns ['product_id', 'family'], which products requires; it has ['product']."
        " Did you mean 'product'? Map them in bank.yml."
    )


def test_column_named_twice(folder):
    assert refusal(folder(products__csv="product_id,family,family\nP1,loan,loan\n")) == (
        "products.csv names columns ['family'] twice. Give each column its own name."
    )


def test_ragged_rows_are_counted(folder):
    place = folder(
        customers__csv="customer_id,joined_on\n1,2020-01-01\n2\n3,2020-01-01,x\n4,2020-13-01\n5,2020-01-01\n"
    )
    assert errors(place) == [
        "customers: 2 rows do not fit the header"
        " (row 2: cells missing; row 3: too many cells). Set aside."
        " Quote cells that hold the delimiter and double the quotes in them, or export again.",
        # row numbers count the rows that do not fit
        "customers.joined_on: 1 row holds an impossible date (row 4 like '9999-99-99'). Set aside."
        " Correct it in the source; if it stands for no date, list it under nulls in bank.yml.",
        "accounts.customer_id: 2 rows refer to a row of customers that is not there or was set aside"
        " (row 1; row 2). Set aside."
        " Export the missing customers, and write ids in both tables alike (leading zeros).",
    ]
    assert inspect(place)[0].rows["customers"] == (5, 3)
    assert ids(place) == ["1", "5"]
    assert [row for row in quarantined(place) if row[0] == "customers"] == [
        ("customers", 2, "ragged row: cells missing", "row set aside"),
        ("customers", 3, "ragged row: too many cells", "row set aside"),
        ("customers", 4, "joined_on: impossible date", "row set aside"),
    ]


def test_an_open_quote_counts_every_line_it_swallows(folder):
    rows = "".join(f"{n},2020-01-01\n" for n in range(5000))
    place = folder(customers__csv='customer_id,joined_on\na,2020-01-01\nb,"2020-01-01\n' + rows, accounts__csv=None)
    assert errors(place) == [
        "customers: 5,001 rows do not fit the header (row 2: open quote, 5,001 lines). Set aside."
        " Quote cells that hold the delimiter and double the quotes in them, or export again."
    ]
    assert inspect(place)[0].rows["customers"] == (5002, 5001)
    assert ids(place) == ["a"]


def test_columns_that_differ_only_in_case(folder):
    assert refusal(folder(products__csv="product_id,family,Family\nP1,loan,loan\n")) == (
        "products.csv names columns ['Family', 'family'] twice. Give each column its own name."
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(folder, end):
    assert ids(folder(customers__csv=GOOD["customers.csv"].replace("\n", end))) == ["0001", "0002"]


@pytest.mark.parametrize(("first", "second"), [("\r\n", "\n"), ("\n", "\r\n"), ("\r", "\n")])
def test_line_ends_of_two_systems_in_one_file(folder, first, second):
    text = f'customer_id,joined_on,region{first}1,2020-01-01,"a{second}b"{second}2,2020-01-01,c{first}3,x,d{second}'
    place = folder(customers__csv=text, accounts__csv=None)
    assert inspect(place)[0].rows["customers"] == (3, 1)
    frame = Bank.open(place).frame("customers")
    assert frame["customer_id"].tolist() == ["1", "2"]
    assert [cell.split() for cell in frame["region"]] == [["a", "b"], ["c"]]


def test_a_delimiter_that_is_not_looked_for(folder):
    assert refusal(folder(customers__csv="customer_id^joined_on\n1^2020-01-01\n", accounts__csv=None)) == (
        "customers.csv: delimiter ',' gives one column, '^' separates names of columns."
        " Write delimiter: '^' in bank.yml."
    )


def test_a_damaged_file_is_told_by_its_name(folder):
    place = folder(customers__csv=None)
    path = place / "customers.parquet"
    duckdb.sql("SELECT i::VARCHAR AS customer_id, DATE '2020-01-01' AS joined_on FROM range(50000) t(i)").write_parquet(
        str(path)
    )
    content = bytearray(path.read_bytes())
    content[200:5000] = bytes(4800)  # the header and the footer stay whole
    path.write_bytes(content)
    text = refusal(place)
    assert text.startswith("customers.parquet cannot be read: ")
    assert text.endswith(". Export it again.")
    assert str(place) not in text
    assert errors(place)[0] == text


# --- rows ---


def test_duplicate_key(folder):
    # the row that was known first stays, wherever it stands: a row that comes later may change no earlier view
    text = "customer_id,joined_on\n0001,2020-03-01\n0002,2020-02-01\n0001,2020-01-01\n0002,2020-02-01\n"
    place = folder(customers__csv=text)
    assert errors(place) == [
        "customers.customer_id: 2 rows repeat the customer_id of another row (row 1; row 4). Set aside."
        " The row known first stays. Export each row once."
    ]
    assert Bank.open(place).frame("customers")["joined_on"].astype(str).tolist() == ["2020-02-01", "2020-01-01"]
    assert quarantined(place) == [
        ("customers", 1, "customer_id: duplicate key", "row set aside"),
        ("customers", 4, "customer_id: duplicate key", "row set aside"),
    ]


def test_orphans_of_orphans(folder):
    place = folder(
        accounts__csv="account_id,customer_id,product_id,opened_on\nA1,0001,P1,2020-01-05\nA2,0009,P1,2020-02-05\n",
        balances__csv="account_id,balance_on,balance_amount\nA1,2020-02-29,10\nA2,2020-02-29,10\n",
    )
    assert errors(place) == [
        "accounts.customer_id: 1 row refers to a row of customers that is not there or was set aside (row 2)."
        " Set aside. Export the missing customers, and write ids in both tables alike (leading zeros).",
        "balances.account_id: 1 row refers to a row of accounts that is not there or was set aside (row 2)."
        " Set aside. Export the missing accounts, and write ids in both tables alike (leading zeros).",
    ]
    assert ids(place, "balances", "account_id") == ["A1"]


def test_orphan_in_an_optional_column_keeps_the_row(folder):
    header = "account_id,customer_id,product_id,opened_on,authorised_customer_id\n"
    place = folder(accounts__csv=header + "A1,0001,P1,2020-02-05,0002\nA2,0002,P1,2020-02-05,0009\n")
    assert errors(place) == [
        "accounts.authorised_customer_id: 1 row refers to a row of customers that is not there or was set aside"
        " (row 2). The cells were emptied."
        " Export the missing customers, and write ids in both tables alike (leading zeros)."
    ]
    frame = Bank.open(place).frame("accounts")
    assert frame["account_id"].tolist() == ["A1", "A2"]
    assert frame["authorised_customer_id"].isna().tolist() == [False, True]
    assert quarantined(place) == [("accounts", 2, "authorised_customer_id: orphan key", "cell emptied")]


def test_text_in_a_number(folder):
    rows = "account_id,balance_on,balance_amount\nA1,2020-02-29,12.5O\nA1,2020-03-31,1_000\n"
    rows += "A2,2020-03-31,0x1F\nA2,2020-04-30,5\n"
    place = folder(balances__csv=rows)
    assert errors(place) == [
        "balances.balance_amount: 3 rows hold text where a number belongs"
        " (row 1 like '99.9a'; row 2 like '9_999'; row 3 like '9a9a'). Set aside."
        " Correct it in the source; decimal, thousands and nulls in bank.yml say how numbers are written."
    ]
    assert Bank.open(place).frame("balances")["balance_amount"].tolist() == [5.0]


def test_amounts_too_large_for_money(folder):
    # 9,999,999,999,999,999.99 is the largest that the files hold; one digit more, or twenty, do not fit
    header = "account_id,balance_on,balance_amount\n"
    rows = "A1,2020-02-29,9999999999999999.99\nA1,2020-03-31,10000000000000000\nA2,2020-03-31,99999999999999999999\n"
    place = folder(balances__csv=header + rows + "A2,2020-04-30,1.5e3\n")
    assert errors(place) == [
        "balances.balance_amount: 1 row holds a number too large for its kind (row 3 like '99999999999999999999')."
        " Set aside. Correct it in the source.",
        "balances.balance_amount: 1 row holds an amount of more than 18 digits (row 2 like '99999999999999999')."
        " Set aside. Correct it in the source.",
    ]
    bank = Bank.open(place)
    assert bank.sql("SELECT balance_amount FROM balances").fetchall() == [(999_999_999_999_999_999,), (150_000,)]
    # and the same from Parquet that is used where it lies
    (place / "balances.csv").unlink()
    duckdb.sql(
        "SELECT 'A1' AS account_id, DATE '2020-02-29' AS balance_on,"
        " CAST('-9999999999999999.99' AS DECIMAL(18,2)) AS balance_amount"
    ).write_parquet(str(place / "balances.parquet"))
    assert errors(place) == []
    assert Bank.open(place).sql("SELECT balance_amount FROM balances").fetchall() == [(-999_999_999_999_999_999,)]


def test_part_of_a_count(folder):
    header = "account_id,customer_id,product_id,opened_on,term_months\n"
    place = folder(accounts__csv=header + "A1,0001,P1,2020-02-05,12.0\nA2,0002,P1,2020-02-05,2.5\n")
    assert errors(place) == [
        "accounts.term_months: 1 row holds something other than a whole number (row 2 like '9.9')."
        " The cells were emptied."
        " Correct it in the source; decimal, thousands and nulls in bank.yml say how numbers are written."
    ]
    assert Bank.open(place).frame("accounts")["term_months"].tolist()[0] == 12


def test_impossible_date(folder):
    place = folder(customers__csv="customer_id,joined_on,birth_on\n0001,2023-02-29,\n0002,2020-02-01,1990-02-30\n")
    assert errors(place)[:2] == [
        "customers.joined_on: 1 row holds an impossible date (row 1 like '9999-99-99'). Set aside."
        " Correct it in the source; if it stands for no date, list it under nulls in bank.yml.",
        "customers.birth_on: 1 row holds an impossible date (row 2 like '9999-99-99'). The cells were emptied."
        " Correct it in the source; if it stands for no date, list it under nulls in bank.yml.",
    ]
    assert ids(place) == ["0002"]


def test_date_in_another_format(folder):
    place = folder(customers__csv="customer_id,joined_on\n0001,31.12.2019\n0002,2020-02-01\n", accounts__csv=None)
    assert errors(place) == [
        "customers.joined_on: 1 row holds text that is no date as YYYY-MM-DD (row 1 like '99.99.9999'). Set aside."
        " Give date_format in bank.yml, such as '%d.%m.%Y'."
    ]


def test_date_in_the_future_of_the_extract(folder):
    place = folder(customers__csv="customer_id,joined_on,birth_on\n0001,2025-01-01,\n0002,2024-12-31,2025-01-01\n")
    assert errors(place)[:3] == [
        "customers.joined_on: 1 row lies before birth_on (row 2 like '9999-99-99'). Set aside."
        " Correct the dates in the source.",
        "customers.joined_on: 1 row lies after the extract of 2024-12-31 (row 1 like '9999-99-99'). Set aside."
        " Correct it in the source; a date that stands for never goes under nulls in bank.yml.",
        "customers.birth_on: 1 row lies after the extract of 2024-12-31 (row 2 like '9999-99-99')."
        " The cells were emptied."
        " Correct it in the source; a date that stands for never goes under nulls in bank.yml.",
    ]


def test_a_closing_after_the_extract_has_not_happened(folder):
    accounts = "account_id,customer_id,product_id,opened_on,closed_on\n"
    accounts += "A1,0001,P1,2020-01-05,9999-12-31\nA2,0002,P1,2020-02-05,2024-01-01\n"
    place = folder(accounts__csv=accounts)
    assert errors(place) == [
        "accounts.closed_on: 1 row lies after the extract of 2024-12-31 (row 1 like '9999-99-99')."
        " The cells were emptied."
        " Correct it in the source; a date that stands for never goes under nulls in bank.yml."
    ]
    rows = Bank.open(place).sql("SELECT account_id, closed_on::VARCHAR FROM accounts ORDER BY 1").fetchall()
    assert rows == [("A1", None), ("A2", "2024-01-01")]
    assert quarantined(place)


def test_date_in_the_future_of_as_of(folder):
    accounts = "account_id,customer_id,product_id,opened_on,closed_on\n"
    accounts += "A1,0001,P1,2020-01-05,2020-01-25\nA2,0002,P1,2020-02-05,\n"
    bank = Bank.open(folder(accounts__csv=accounts))
    report = bank.check(as_of="2020-01-20")
    assert [one.text for one in report.violations if one.rule in ("later rows", "later cells")] == [
        "customers: 1 row becomes known after 2020-01-20, hidden in the view of that day. Nothing.",
        "accounts: 1 row becomes known after 2020-01-20, hidden in the view of that day. Nothing.",
        "accounts.closed_on: 1 row holds a date after 2020-01-20, empty in the view of that day. Nothing.",
    ]
    assert not report.errors
    with pytest.raises(CrmlabError) as caught:
        bank.as_of("2020-02-06")
    assert str(caught.value) == (
        "as_of 2020-02-06 lies after the last day known. The rows span 2020-01-01 to 2020-02-05; choose a day in it."
    )
    with pytest.raises(CrmlabError) as caught:
        bank.check("2019-12-31")
    assert str(caught.value) == (
        "as_of 2019-12-31 lies before the first day known. The rows span 2020-01-01 to 2020-02-05; choose a day in it."
    )


def test_negative_tenure(folder):
    place = folder(
        customers__csv="customer_id,joined_on,left_on\n0001,2020-01-01,2019-12-31\n0002,2020-02-01,2020-02-01\n",
        accounts__csv=None,
    )
    assert errors(place) == [
        "customers.left_on: 1 row lies before joined_on (row 1 like '9999-99-99'). Set aside."
        " Correct the dates in the source."
    ]
    assert ids(place) == ["0002"]


def test_unreadable_day_of_leaving_sets_the_row_aside(folder):
    # emptying it would say that the customer is still there
    place = folder(customers__csv="customer_id,joined_on,left_on\n0001,2020-01-01,9999-99-99\n", accounts__csv=None)
    assert [one.fate for one in inspect(place)[0].errors] == ["row set aside"]


def test_sentinel_dates_go_under_nulls(folder):
    text = "customer_id,joined_on,left_on\n0001,2020-01-01,9999-12-31\n0002,2020-02-01,2020-03-01\n"
    mapping = "tables:\n  customers: {files: customers.csv, nulls: ['9999-12-31']}\n"
    place = folder(customers__csv=text, bank__yml=mapping)
    assert errors(place) == []
    assert Bank.open(place).frame("customers")["left_on"].isna().tolist() == [True, False]


def test_unknown_word_shows_the_word(folder):
    place = folder(products__csv="product_id,family\nP1,current\nP2,Giro\nP3,Giro\nP4,jan.novak@example.org\n")
    assert errors(place) == [
        "products.family: 3 rows hold a word outside the contract: 'Giro' 2 times, 1 value withheld"
        " (row 2; row 3; row 4). Set aside. Map it under words in bank.yml to one of ['current', 'savings',"
        " 'term_deposit', 'investment', 'pension', 'card', 'loan', 'mortgage', 'insurance', 'payment', 'other']."
    ]


def test_out_of_range(folder):
    place = folder(products__csv="product_id,family,margin_share\nP1,current,0.02\nP2,loan,5\n")
    assert errors(place) == [
        "products.margin_share: 1 row lies outside -1 to 1 (row 2 like '9'). The cells were emptied."
        " Correct it in the source. Shares are written 0.05, not 5."
    ]


def test_huge_integer_ids_survive(folder):
    huge = "123456789012345678901234567890"
    place = folder(
        customers__csv=f"customer_id,joined_on\n{huge},2020-01-01\n9007199254740993,2020-01-01\n",
        accounts__csv=f"account_id,customer_id,product_id,opened_on\nA1,{huge},P1,2020-01-05\n",
    )
    assert errors(place) == []
    assert ids(place) == [huge, "9007199254740993"]


def test_ids_that_lost_digits(folder):
    place = folder(customers__csv="customer_id,joined_on\n1.23457E+15,2020-01-01\n", accounts__csv=None)
    assert errors(place) == [
        "customers.customer_id: 1 row holds an identifier whose digits are lost (row 1 like '9.99999a+99'). Set aside."
        " Export the column as text: a spreadsheet or a float has lost digits."
    ]
    place = folder(customers__csv=None)
    duckdb.sql(
        "SELECT x AS customer_id, DATE '2020-01-01' AS joined_on"
        " FROM (VALUES (12.0::DOUBLE), (9007199254740994), (1.5)) AS t(x)"
    ).write_parquet(str(place / "customers.parquet"))
    assert errors(place)[0] == (
        "customers.customer_id: 2 rows hold an identifier whose digits are lost (row 2; row 3). Set aside."
        " Export the column as text: a spreadsheet or a float has lost digits."
    )
    assert ids(place) == ["12"]


def test_leading_zeros_survive_and_are_not_guessed(folder):
    place = folder(accounts__csv="account_id,customer_id,product_id,opened_on\nA1,1,P1,2020-01-05\n")
    assert ids(place) == ["0001", "0002"]
    assert errors(place) == [
        "accounts.customer_id: 1 row refers to a row of customers that is not there or was set aside (row 1)."
        " Set aside. Export the missing customers, and write ids in both tables alike (leading zeros)."
    ]


HEAD = "interaction_id,customer_id,opened_at,kind\n"


def test_mixed_time_zones(folder):
    rows = "I1,0001,2020-07-01T10:00:00+00:00,service\nI2,0001,2020-01-01 10:00:00Z,service\n"
    rows += "I3,0001,2020-07-01 10:00:00,service\nI4,0001,2020-06-30T23:30:00-05:00,service\n"
    facts = "name: Test\ntimezone: Europe/Prague\n"
    place = folder(interactions__csv=HEAD + rows, bank__yml=facts)
    assert errors(place) == [
        "interactions.opened_at: 1 row gives a time without zone while others give one"
        " (row 3 like '9999-99-99 99:99:99'). Set aside."
        " Export all times with their offset, or all as local time."
    ]
    # summer time is two hours ahead of UTC, winter time one
    assert Bank.open(place).frame("interactions")["opened_at"].astype(str).tolist() == [
        "2020-07-01 12:00:00",
        "2020-01-01 11:00:00",
        "2020-07-01 06:30:00",
    ]


def test_times_without_zone_are_local(folder):
    rows = "I1,0001,2020-07-01 10:00:00,service\n"
    place = folder(interactions__csv=HEAD + rows, bank__yml="timezone: Europe/Prague\n")
    assert Bank.open(place).frame("interactions")["opened_at"].astype(str).tolist() == ["2020-07-01 10:00:00"]


def test_cell_that_begins_with_a_formula(folder, tmp_path):
    text = "customer_id,joined_on,region,birth_on\n"
    text += '0001,2020-01-01,"=HYPERLINK(""http://x"")",1980-02-31\n0002,2020-01-01,-5,\n'
    place = folder(customers__csv=text)
    (warning,) = [one for one in inspect(place)[0].violations if one.rule == "formula"]
    assert (warning.severity, warning.text) == (
        "warning",
        "customers.region: 1 row begins with a sign that a spreadsheet executes (row 1)."
        " Nothing: it is kept as text, and neutralised in every CSV that crmlab writes.",
    )
    assert Bank.open(place).frame("customers")["region"].tolist() == ['=HYPERLINK("http://x")', "-5"]
    from crmlab.bank.quarantine import copy_quarantine

    path = copy_quarantine(inspect(place)[0].quarantine, tmp_path / "broken.csv")
    cells = duckdb.sql(f"FROM read_csv('{path}', all_varchar = true)").fetchall()
    assert cells
    assert not any(str(cell).startswith(("=", "+", "-", "@")) for row in cells for cell in row)


def test_money_is_rounded_half_away_from_zero(folder):
    rows = "account_id,balance_on,balance_amount\nA1,2020-02-29,1.005\nA1,2020-03-31,-1.005\nA2,2020-03-31,2.5\n"
    place = folder(balances__csv=rows)
    (warning,) = [one for one in inspect(place)[0].violations if one.rule == "more decimals"]
    assert warning.text == (
        "balances.balance_amount: 2 rows hold more than 2 decimals, rounded half away from zero"
        " (row 1 like '9.999'; row 2 like '-9.999')."
        " Nothing, unless the unit is wrong: see unit and minor_units in bank.yml."
    )
    assert Bank.open(place).frame("balances")["balance_amount"].tolist() == [1.01, -1.01, 2.5]


def test_examples_hold_no_personal_data(folder):
    text = "customer_id,joined_on,birth_on,income_amount\nNovák-7301,2020-01-01,Jana Nováková,tisíc\n"
    place = folder(customers__csv=text)
    report, _ = inspect(place)
    told = " ".join(one.text for one in report.violations)
    assert "Nov" not in told
    assert "7301" not in told
    assert "aaaa aaaaaaaa" in told


def test_unknown_column_of_a_mapping(folder):
    mapping = (
        "name: Test\ncurrancy: CZK\ntimezone: Europe/Prag\ntables:\n"
        "  acounts: {files: accounts.csv}\n"
        "  customers:\n    files: customers.csv\n    delimeter: ';'\n"
        "    columns:\n      joind_on: joined_on\n      birth_on: {form: birth_on}\n"
    )
    assert refusal(folder(bank__yml=mapping)) == (
        "5 problems:\n"
        "- bank.yml: currancy is not a key. Did you mean 'currency'? Known: ['accepted', 'currency', 'database',"
        " 'extracted_on', 'folder', 'label_means', 'made_with', 'minor_units', 'name', 'questionnaire', 'report_on',"
        " 'sources',"
        " 'tables', 'timezone'].\n"
        "- bank.yml: tables.customers.columns.birth_on.form is not a key of tables.customers.columns.birth_on."
        " Did you mean 'format'? Known: ['format', 'from', 'nulls', 'sign', 'sql', 'unit', 'value', 'words'].\n"
        "- bank.yml: tables.customers.delimeter is not a key of tables.customers. Did you mean 'delimiter'? Known:"
        " ['columns', 'date_format', 'decimal', 'delimiter', 'encoding', 'files', 'nulls', 'source', 'sql', 'table',"
        " 'thousands', 'time_format'].\n"
        "- bank.yml: tables.acounts is not a table of the contract. Did you mean 'accounts'? Known: ['customers',"
        " 'products', 'accounts', 'balances', 'transactions', 'interactions', 'digital_events', 'surveys', 'measures',"
        " 'campaigns', 'contacts', 'opportunities', 'loyalty_points', 'market', 'snapshot'].\n"
        "- bank.yml: tables.customers.columns.joind_on is not a column of the contract. Did you mean 'joined_on'?"
        f" Known: {CUSTOMER_COLUMNS}."
    )


def test_mapping_names_a_column_that_the_file_lacks(folder):
    mapping = "tables:\n  customers:\n    files: customers.csv\n    columns: {birth_on: birth_date}\n"
    assert refusal(folder(bank__yml=mapping)) == (
        "bank.yml: tables.customers.columns.birth_on comes from 'birth_date', which customers.csv lacks; it has"
        " ['customer_id', 'joined_on', 'birth_on']. Did you mean 'birth_on'? Correct the name."
    )


# --- the mapping and the machine ---


def test_layouts_that_cannot_be_meant(folder):
    mapping = """
currency: Euro
sources: {extract: {files: customers.csv, delimiter: ";;"}}
tables:
  customers:
    files: customers.csv
    decimal: ","
    thousands: ","
    date_format: ["%d.%m.%Y", "%Q", YYYY-MM-DD]
    columns: {birth_on: {from: birth_on, format: "%d.%N"}}
"""
    assert refusal(folder(bank__yml=mapping)) == (
        "6 problems:\n"
        "- bank.yml: currency 'Euro' is not an ISO 4217 code. Write one such as EUR.\n"
        "- bank.yml: sources.extract.delimiter ';;' is not one character. Write one such as ';'.\n"
        "- bank.yml: tables.customers gives ',' as decimal and as thousands. Give two different signs.\n"
        "- bank.yml: tables.customers.date_format: '%Q' has the unknown sign '%Q'."
        " Write one such as '%d.%m.%Y' or '%Y-%m-%d %H:%M:%S'.\n"
        "- bank.yml: tables.customers.date_format: 'YYYY-MM-DD' has no sign such as %Y."
        " Write one such as '%d.%m.%Y' or '%Y-%m-%d %H:%M:%S'.\n"
        "- bank.yml: tables.customers.columns.birth_on.format: '%d.%N' has the unknown sign '%N'."
        " Write one such as '%d.%m.%Y' or '%Y-%m-%d %H:%M:%S'."
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CRMLAB_THREADS", "two", "CRMLAB_THREADS is 'two', not a whole number from 1 on. Correct it or unset it."),
        ("CRMLAB_THREADS", "0", "CRMLAB_THREADS is '0', not a whole number from 1 on. Correct it or unset it."),
        ("CRMLAB_MEMORY", "lots", "CRMLAB_MEMORY is 'lots', not a size. Write it as 2GB or unset it."),
    ],
)
def test_settings_that_cannot_be_meant(folder, monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    assert refusal(folder()) == message


def test_a_cache_that_cannot_be_written(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "file"))
    assert refusal(folder()) == (
        f"cache: '{tmp_path}/file' cannot be written: file exists. Give a place that can be written in CRMLAB_CACHE."
    )


def test_a_target_that_cannot_be_written(folder, tmp_path):
    from crmlab.bank.quarantine import copy_quarantine
    from crmlab.simulation import simulate

    (tmp_path / "file").write_text("no folder")
    report, _ = inspect(folder(products__csv="product_id,family\nP1,loam\n"))
    with pytest.raises(CrmlabError) as caught:
        copy_quarantine(report.quarantine, tmp_path / "file" / "broken.csv")
    assert str(caught.value) == (
        f"quarantine: '{tmp_path}/file' cannot be written: file exists. Give a place that can be written."
    )
    with pytest.raises(CrmlabError, match=r"^out: '.*' cannot be written: not a directory\. Give a place that can be"):
        simulate(tmp_path / "file" / "bank", customers=1, months=1)
