"""Tables as files: full precision, nothing that a spreadsheet executes, the same bytes in every run."""

import io
import zipfile

from crmlab.reporting.downloads import csv_text, workbook

TABLE = {
    "name": "tiers",
    "columns": ["tier", "assets_amount", "is_top", "gain"],
    "rows": [["mass", 1 / 3, False, {"value": 2.5}], ["=1+1", None, True, None]],
}


def test_csv_holds_every_value():
    assert csv_text(TABLE).splitlines() == [
        "tier,assets_amount,is_top,gain", f"mass,{1 / 3},False,2.5", "'=1+1,,True,",
    ]  # fmt: skip


def test_a_workbook_has_a_sheet_a_table_and_no_formula():
    numbers = [
        {
            "label": "Share",
            "value": 0.5,
            "unit": "share",
            "low": 0.4,
            "high": 0.6,
            "n": 10,
            "level": 0.95,
            "method": "Wilson",
        }
    ]
    again = {**TABLE, "name": "a name/that is longer than a sheet may be"}
    content = workbook([TABLE, again, again], numbers)
    book = zipfile.ZipFile(io.BytesIO(content))
    told = book.read("xl/workbook.xml").decode()
    assert [
        f'name="{name}"' in told
        for name in ("numbers", "tiers", "a name that is longer than a sh", "a name that is longer than a  2")
    ] == [True] * 4
    sheet = book.read("xl/worksheets/sheet2.xml").decode()
    assert "<f>" not in sheet
    assert "<v>0.333333333333333" in sheet
    assert "=1+1" in book.read("xl/sharedStrings.xml").decode()
    assert content == workbook([TABLE, again, again], numbers)
