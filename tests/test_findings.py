"""Findings: what a notebook hands on, what it may not, and that it is the same in every run."""

import json
from types import SimpleNamespace

import matplotlib as mpl
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.findings import Findings
from crmlab.findings.privacy import hide_small_groups
from crmlab.stats import Estimate

BANK = SimpleNamespace(name="Example", currency="EUR")


@pytest.fixture
def findings(tmp_path):
    return Findings(BANK, folder=tmp_path)


def _refusal(act) -> str:
    with pytest.raises(CrmlabError) as caught:
        act()
    return str(caught.value)


def _axes():
    mpl.use("Agg")
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.plot([1, 2, 3], [1, 4, 9])
    axes.set(xlabel="month", ylabel="EUR")
    return axes


def test_everything_is_kept_in_one_file(findings, tmp_path):
    findings.number("gini", Estimate(0.71, unit="share", low=0.7, high=0.72, n=900, method="bootstrap"), label="Gini")
    findings.answer("The top tenth holds 71 %.")
    findings.note("It grew.")
    findings.gap("movement", "this bank has no balances")
    findings.figure("lorenz", _axes(), alt="A curve.", caption="Assets")
    findings.table("tiers", pd.DataFrame({"tier": ["mass"], "assets_amount": [1 / 3]}), caption="Tiers")
    findings.actions("calls", pd.DataFrame({"customer_id": ["1"], "reason": ["left"]}))
    findings.record()
    kept = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert kept["answers"] == ["The top tenth holds 71 %."]
    assert kept["numbers"] == [
        {
            "name": "gini", "label": "Gini", "value": 0.71, "unit": "share", "low": 0.7, "high": 0.72, "n": 900,
            "method": "bootstrap", "level": 0.95, "short": "71.0 %", "interval": "70.0 to 72.0 %",
            "text": "71.0 % (95 % interval 70.0 to 72.0 %, n = 900)",
        }
    ]  # fmt: skip
    assert kept["gaps"] == [{"what": "movement", "why": "this bank has no balances"}]
    assert kept["figures"][0].pop("words")[0] == "month"
    assert kept["figures"] == [
        {"name": "lorenz", "file": "figures/lorenz.svg", "alt": "A curve.", "caption": "Assets",
         "title": "", "about": "", "reading": "", "languages": {}}
    ]  # fmt: skip
    assert kept["tables"][0]["rows"] == [["mass", 0.3333333333]]
    assert kept["tables"][0]["headers"] == ["Tier", "Assets, EUR"]
    assert kept["actions"] == [{"name": "calls", "rows": 1, "columns": ["customer_id", "reason"]}]
    assert (tmp_path / "actions" / "calls.csv").exists()


def test_a_figure_keeps_its_finding_its_reading_and_a_picture_for_slides(tmp_path):
    from crmlab import charts

    findings = Findings(BANK, folder=tmp_path)
    frame = pd.DataFrame({"tier": ["mass", "rich"], "customers": [90, 10]})
    words = {"title": "Most are in the mass tier", "subtitle": "Customers, n = 100"}
    drawn = charts.bars(frame, label="tier", value="customers", quantity="Customers", unit="count", **words)
    findings.figure("tiers", drawn, alt="Bars.")
    findings.note("90 of 100.")
    findings.note("A second note.")
    (kept,) = findings.as_dict()["figures"]
    assert (kept["title"], kept["about"], kept["reading"]) == (
        "Most are in the mass tier", "Customers, n = 100", "90 of 100.",
    )  # fmt: skip
    whole = (tmp_path / "figures" / "tiers.svg").read_text(encoding="utf-8")
    bare = (tmp_path / "figures" / "slides" / "tiers.svg").read_text(encoding="utf-8")
    assert "Most are in the mass tier" in whole  # Matplotlib writes each text as a remark beside its paths
    assert "Most are in the mass tier" not in bare
    assert "Customers, n = 100" not in bare
    assert (tmp_path / "figures" / "slides" / "tiers.png").read_bytes().startswith(b"\x89PNG")


def test_figures_of_other_questions_are_kept_as_they_are(tmp_path):
    from crmlab.findings.reading import DrawnFigure

    findings = Findings(BANK, folder=tmp_path)
    one = DrawnFigure("regions_map", "Bars.", "North leads", "North leads", "n = 9", "", b"<svg/>", "svg", b"", ("N",))
    findings.figures([one])
    assert (tmp_path / "figures" / "regions_map.svg").read_bytes() == b"<svg/>"
    (kept,) = findings.as_dict()["figures"]
    assert (kept["alt"], kept["caption"], kept["words"]) == ("Bars.", "North leads", ["N"])
    with pytest.raises(CrmlabError, match="'regions_map' is given twice"):
        findings.figures([one])


def test_outside_a_run_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRMLAB_RESULT", raising=False)
    findings = Findings(BANK)
    findings.answer("Yes.")
    findings.figure("line", _axes(), alt="A line.")
    findings.actions("calls", pd.DataFrame({"customer_id": ["1"], "reason": ["left"]}))
    findings.record()
    assert list(tmp_path.iterdir()) == []


def test_figures_are_the_same_bytes_every_time(tmp_path):
    for run in ("one", "two"):
        Findings(BANK, folder=tmp_path / run).figure("line", _axes(), alt="A line.")
    one, two = ((tmp_path / run / "figures" / "line.svg").read_bytes() for run in ("one", "two"))
    assert one == two
    assert b"<dc:date>" not in one


def test_a_heavy_figure_becomes_a_png(findings, tmp_path):
    axes = _axes()
    axes.scatter(range(5000), range(5000))
    findings.figure("cloud", axes, alt="A cloud.")
    assert findings.as_dict()["figures"][0]["file"] == "figures/cloud.png"
    assert (tmp_path / "figures" / "cloud.png").read_bytes().startswith(b"\x89PNG")


def test_names_are_checked(findings):
    estimate = Estimate(1, unit="count")
    findings.number("gini", estimate)
    assert _refusal(lambda: findings.number("gini", estimate)) == (
        "findings.number: 'gini' is given twice. Name each number once."
    )
    assert _refusal(lambda: findings.number("Gini of assets", estimate)) == (
        "findings.number: 'Gini of assets' is not a name. Use lower case letters, digits and underscores."
    )
    assert _refusal(lambda: findings.figure("../x", _axes(), alt="x")).startswith("findings.figure: '../x' is not a")


def test_a_bare_number_an_empty_answer_and_a_missing_alt_text_are_refused(findings):
    assert _refusal(lambda: findings.number("gini", 0.7)) == (
        "findings.number: 'gini' got float. Wrap it: Estimate(value, unit='share', low=..., high=..., n=...)."
    )
    assert _refusal(lambda: findings.answer("  ")) == "findings.answer: the sentence is empty. Say what was found."
    assert _refusal(lambda: findings.figure("line", _axes(), alt=" ")) == (
        "findings.figure: 'line' has no alt text. Say in a sentence what the figure shows."
    )
    assert _refusal(findings.record) == ("findings.record: there is no answer. Call findings.answer('...') before it.")


@pytest.mark.parametrize("column", ["customer_id", "Account ID", "transaction_id", "authorised_customer_id"])
def test_a_table_with_identifiers_is_refused(findings, column):
    expected = f"findings.table: 'people' holds {column}. A page shows groups only; give the list to findings.actions."
    frame = pd.DataFrame({column: ["A1"], "assets_amount": [1.0]})
    assert _refusal(lambda: findings.table("people", frame)) == expected
    assert _refusal(lambda: findings.table("people", frame.set_index(column))) == expected


def test_a_table_longer_than_any_grouping_is_refused(findings):
    assert _refusal(lambda: findings.table("long", pd.DataFrame({"x": range(1001)}))) == (
        "findings.table: 'long' has 1,001 rows, more than 1,000. Group it further."
    )


def test_one_small_group_keeps_its_label_only():
    tiers = pd.DataFrame({"customers": [950, 7, 0], "assets_amount": [1.0, 2.0, 0.0]}, index=["mass", "rich", "none"])
    hidden = hide_small_groups(tiers)
    assert hidden["customers"].tolist() == [950, "fewer than 10", 0]
    assert hidden.loc["rich", "assets_amount"] is None or pd.isna(hidden.loc["rich", "assets_amount"])
    assert tiers.loc["rich", "assets_amount"] == 2.0  # the input is not changed


def test_several_small_groups_become_one_row():
    tiers = pd.DataFrame({"customers": [950, 3, 4], "assets_amount": [1.0, 2.0, 3.0]}, index=["mass", "rich", "top"])
    hidden = hide_small_groups(tiers)
    assert hidden.index.tolist() == ["mass", "other (groups under 10)"]
    assert hidden["customers"].tolist() == [950, "fewer than 10"]  # 3 + 4 = 7
    crossed = pd.concat({"A": tiers}, names=["region", "tier"])
    assert hide_small_groups(crossed).index.tolist() == [("A", "mass"), ("other (groups under 10)", "")]


def test_small_groups_never_reach_the_file(findings):
    tiers = pd.DataFrame({"tier": ["mass", "rich"], "people": [950, 7], "assets_amount": [10.0, 77777.0]})
    findings.table("tiers", tiers, n="people")
    assert "77777" not in json.dumps(findings.as_dict())
    assert _refusal(lambda: findings.table("again", tiers, n="peple")) == (
        "findings.table: n='peple' is not a column; it has tier, people, assets_amount. Did you mean 'people'?"
    )


def test_a_list_must_name_the_customer_once_and_say_why(findings):
    assert _refusal(lambda: findings.actions("calls", pd.DataFrame({"customer": ["1"]}))) == (
        "findings.actions: 'calls' lacks ['customer_id', 'reason']; it has ['customer']. "
        "A list names the customer and says why."
    )
    frame = pd.DataFrame({"customer_id": ["1", "1"], "reason": ["left", " "]})
    assert _refusal(lambda: findings.actions("calls", frame)) == (
        "2 problems:\n- findings.actions: 'calls' names 1 customers twice. One row a customer.\n"
        "- findings.actions: 'calls' has 1 rows without a reason. Say why for each customer."
    )


def test_no_spreadsheet_executes_a_list(findings, tmp_path):
    frame = pd.DataFrame(
        {
            "customer_id": ["=1+1", "007", "@x", "\tx", "\rx"],
            "reason": ["+call", "-call", "call", "=cmd|' /C calc'!A0", "＝x"],
            "=value_amount": [-5.0, 1.0, 2.0, 3.0, 4.0],
        }
    )
    findings.actions("calls", frame)
    raw = (tmp_path / "actions" / "calls.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    back = pd.read_csv(tmp_path / "actions" / "calls.csv", dtype={"customer_id": str}, encoding="utf-8-sig")
    assert back["customer_id"].tolist() == ["'=1+1", "007", "'@x", "'\tx", "'\rx"]
    assert back["reason"].tolist() == ["'+call", "'-call", "call", "'=cmd|' /C calc'!A0", "'＝x"]
    assert back.columns.tolist()[2] == "'=value_amount"
    assert back["'=value_amount"].tolist()[0] == -5.0  # a number is no formula


def test_a_list_indexed_by_customer_is_taken_too(findings, tmp_path):
    findings.actions("calls", pd.DataFrame({"reason": ["left"]}, index=pd.Index(["007"], name="customer_id")))
    assert (tmp_path / "actions" / "calls.csv").read_text(
        encoding="utf-8-sig"
    ) == '"customer_id","reason"\n"007","left"\n'


def test_units_stand_in_the_header_and_numbers_are_readable(findings):
    frame = pd.DataFrame(
        {
            "month": pd.period_range("2024-01", periods=2, freq="M"),
            "assets_amount_low": [12.345, 1.0],
            "active_share": [0.12345, None],
            "recency_days": [3.25, 12.0],
            "products_count": [1234, 5],
            "year": [2023, 2024],
            "share": [0.5, 0.25],
            "low": [0.4, 0.2],
            "high": [0.6, 0.3],
            "n": [100, 200],
            "is_open": [True, False],
            "Gini (0 to 1)": [0.71234, 0.5],
            "gini": [Estimate(0.5, unit="index", low=0.4, high=0.6), None],
        }
    )
    findings.table("all", frame)
    table = findings.as_dict()["tables"][0]
    assert table["headers"] == [
        "Month", "Assets low, EUR", "Active, %", "Recency, days", "Products", "Year", "Share, %", "Low, %", "High, %",
        "n", "Open", "Gini (0 to 1)", "Gini",
    ]  # fmt: skip
    assert table["texts"] == [
        [
            "2024-01",
            "12.35",
            "12.3",
            "3.2",
            "1,234",
            "2023",
            "50.0",
            "40.0",
            "60.0",
            "100",
            "yes",
            "0.712",
            "0.50 (0.40 to 0.60)",
        ],
        ["2024-02", "1.00", "–", "12.0", "5", "2024", "25.0", "20.0", "30.0", "200", "no", "0.500", "–"],
    ]
