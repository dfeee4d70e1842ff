"""A folder of a public data set opens like any other source."""

import datetime as dt

from crmlab.bank import Bank
from crmlab.bank.adapters import adapted_folder


def test_the_original_berka_files_open_as_they_lie(real_data):
    bank = Bank.open(real_data / "berka")
    assert bank.tables == ("customers", "products", "accounts", "balances", "transactions")
    assert bank.as_of("").date == bank.report_on == dt.date(1994, 2, 28)
    assert bank.as_of("").as_of("").date == dt.date(1994, 2, 28)
    assert bank.last_on == dt.date(1998, 12, 31)


def test_the_same_files_are_imported_once(real_data):
    first = adapted_folder(real_data / "berka")
    made = (first / "bank.yml").stat().st_mtime_ns
    assert adapted_folder(real_data / "berka") == first
    assert (first / "bank.yml").stat().st_mtime_ns == made


def test_a_folder_nobody_knows_stays_unknown(tmp_path):
    (tmp_path / "account.asc").write_text('"account_id"\n1\n')
    assert adapted_folder(tmp_path) is None
