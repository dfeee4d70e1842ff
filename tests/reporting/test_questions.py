"""Questions and parameters, read from notebooks without running them."""

import json

import pytest

from crmlab.errors import CrmlabError
from crmlab.reporting.parameters import Parameter, parse_parameters, resolve_parameters
from crmlab.reporting.questions import choose, parse_needs, question, questions

TITLE = """# Who holds the wealth?

**Decision** whom to give an adviser
**Owner** Wealth team
**Reads** `customers`, `accounts` or `snapshot`; if present `balances`, `customers.income_amount`
**Writes** tiers, `call_list`
"""
PARAMETERS = """source: str = "data/simulated"  # bank to read
as_of: str = ""  # YYYY-MM-DD; empty: the last day known
months: int = 12  # window, months
floor_amount: float = 1000  # smallest assets, the bank's currency
limits_amount: list[float] = [1e4, 1e5]  # tier limits, the bank's currency
by: str = "assets"  # one of assets, income
is_strict: bool = False  # drop customers without accounts
"""


def write(folder, name, title=TITLE, parameters=PARAMETERS, tags=("parameters",)):
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": title},
        {"cell_type": "code", "id": "b", "metadata": {"tags": list(tags)}, "source": parameters, "outputs": []},
    ]
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


class Bank:
    def __init__(self, *has):
        self._has = set(has)

    def has(self, *needs):
        return set(needs) <= self._has


def test_the_title_cell_is_read(tmp_path):
    found = question(write(tmp_path, "10_segments_wealth"))
    assert (found.question, found.decision, found.owner, found.writes) == (
        "Who holds the wealth?", "whom to give an adviser", "Wealth team", "tiers, `call_list`",
    )  # fmt: skip
    assert found.needs.alternatives == (("customers", "accounts"), ("snapshot",))
    assert found.needs.optional == ("balances", "customers.income_amount")
    assert found.problems == ()
    assert found.chapter == "1"


def test_the_title_may_stand_on_one_line(tmp_path):
    title = "# Why?\n**Decision** x y · **Owner** z · **Reads** `customers` · **Writes** w"
    found = question(write(tmp_path, "a", title=title))
    assert (found.decision, found.owner, found.needs.text, found.writes) == ("x y", "z", "customers", "w")


def test_parameters_are_read_with_type_help_and_words(tmp_path):
    found = {p.name: p for p in question(write(tmp_path, "a")).parameters}
    assert found["months"] == Parameter("months", "int", 12, "window, months")
    assert found["limits_amount"].default == [1e4, 1e5]
    assert found["by"].words == ("assets", "income")
    assert found["as_of"].is_date
    assert found["floor_amount"].kind == "float"


def test_a_parameter_may_name_a_file():
    text = 'model: str = ""  # path of a file kept by an earlier run; empty: learn anew\nn: int = 1  # path of a file'
    found, _ = parse_parameters(text)
    assert [p.is_file for p in found] == [True, False]


def test_a_line_out_of_form_is_named():
    text = "a: int = 1\nb = 2  # no type\nc: int = a + 1  # derived\nd: int = True  # flag\ne: list[int] = 3  # no list"
    found, problems = parse_parameters(text, "10_x")
    assert [p.name for p in found] == ["a"]
    assert problems == tuple(
        f"10_x: parameter line {line} is {code!r}. Write it as name: type = literal  # help with the unit."
        for line, code in ((2, "b = 2  # no type"), (3, "c: int = a + 1  # derived"), (4, "d: int = True  # flag"),
                           (5, "e: list[int] = 3  # no list"))
    )  # fmt: skip


def test_a_notebook_without_title_or_tag_is_named(tmp_path):
    assert question(write(tmp_path, "a", title="no heading", tags=())).problems == (
        "a: the first cell has no title. Write the question there as '# Question?'.",
        "a: 0 cells have the tag 'parameters'. Tag one cell, in the property inspector.",
    )
    (tmp_path / "b.ipynb").write_text("not json")
    assert question(tmp_path / "b.ipynb").problems == (
        "b: the file is not a notebook (JSON, format 4). Save it again from JupyterLab.",
    )


def test_what_a_bank_lacks_is_named_nearest_alternative_first():
    needs = parse_needs("`customers`, `accounts`, `balances` or `snapshot`")
    assert needs.missing(Bank("customers", "accounts", "balances")) == ""
    assert needs.missing(Bank("snapshot")) == ""
    assert needs.missing(Bank("customers", "accounts")) == "balances or snapshot"
    assert needs.missing(Bank("customers")) == "snapshot or accounts and balances"
    assert parse_needs("nothing named").missing(Bank()) == ""


def test_values_are_given_to_the_notebooks_that_know_them():
    one, two = Parameter("months", "int", 12), Parameter("limits_amount", "list[float]", [1.0])
    values, problems = resolve_parameters(["months=6", "limits_amount=[1, 2.5]"], {"a": [one, two], "b": [one]})
    assert problems == ()
    assert values == {"a": {"months": 6, "limits_amount": [1.0, 2.5]}, "b": {"months": 6}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("month=6", "parameter 'month' is in none of the chosen notebooks. They know by, day, flag, limits, months. "
                    "Did you mean 'months'?"),
        ("months=6.5", "a: months='6.5' is not a whole number. Its default is 12."),
        ("months=", "a: months='' is not a whole number. Its default is 12."),
        ("limits=1;2", "a: limits='1;2' is not numbers separated by commas. Its default is [1.0]."),
        ("limits=nan", "a: limits='nan' is not numbers separated by commas. Its default is [1.0]."),
        ("by=asset", "a: by='asset' is not allowed. Choose one of assets, income. Did you mean 'assets'?"),
        ("day=2024-02-30", "a: day='2024-02-30' is not a date. Write it as YYYY-MM-DD."),
        ("day=20240228", "a: day='20240228' is not a date. Write it as YYYY-MM-DD."),
        ("flag=perhaps", "a: flag='perhaps' is not true or false. Its default is False."),
        ("months", "parameter 'months' has no value. Write -p name=value."),
        ("as_of=2024-01-01", "parameter 'as_of' belongs to the whole run. Use --as-of instead."),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_with_its_cure(given, message):
    known = [
        Parameter("months", "int", 12),
        Parameter("limits", "list[float]", [1.0]),
        Parameter("by", "str", "assets", words=("assets", "income")),
        Parameter("day", "str", "", is_date=True),
        Parameter("flag", "bool", False),
    ]
    assert resolve_parameters([given], {"a": known})[1] == (message,)


def test_every_wrong_parameter_is_told_at_once():
    _, problems = resolve_parameters(["months=x", "moths=1", "months=2"], {"a": [Parameter("months", "int", 12)]})
    assert problems == (
        "a: months='x' is not a whole number. Its default is 12.",
        "parameter 'moths' is in none of the chosen notebooks. They know months. Did you mean 'months'?",
        "parameter 'months' is given twice. Give it once.",
    )


def test_notebooks_are_chosen_by_name_start_or_path(tmp_path):
    for name in ("00_customer_base", "10_segments_wealth", "11_segments_needs"):
        write(tmp_path, name)
    known = questions(tmp_path)
    assert [q.name for q in known] == ["00_customer_base", "10_segments_wealth", "11_segments_needs"]
    assert [q.name for q in choose([], known)[0]] == [q.name for q in known]
    assert [q.name for q in choose(["1"], known)[0]] == ["10_segments_wealth", "11_segments_needs"]
    assert [q.name for q in choose(["notebooks/10_segments_wealth.ipynb", "00"], known)[0]] == [
        "00_customer_base", "10_segments_wealth",
    ]  # fmt: skip
    own = write(tmp_path, "own")
    assert [q.name for q in choose([str(own)], known)[0]] == ["own"]


def test_an_unknown_notebook_gets_the_nearest(tmp_path):
    write(tmp_path, "00_customer_base")
    write(tmp_path, "10_segments_wealth")
    known = questions(tmp_path)
    assert choose(["10_segment_welth"], known)[1] == (
        "notebook '10_segment_welth' does not exist. There are 00_customer_base, 10_segments_wealth. "
        "Did you mean '10_segments_wealth'?",
    )
    assert choose(["00_custmer"], known)[1][0].endswith("Did you mean '00_customer_base'?")


def test_a_missing_folder_is_told():
    with pytest.raises(CrmlabError) as caught:
        questions("nowhere")
    assert str(caught.value) == (
        "notebooks folder 'nowhere' does not exist. Start crmlab in the project, or give --notebooks."
    )


def test_scratch_and_outputs_do_not_count(tmp_path):
    path = write(tmp_path, "a")
    (tmp_path / "scratch").mkdir()
    write(tmp_path / "scratch", "mine")
    assert [q.name for q in questions(tmp_path)] == ["a"]
    before = question(path).code_hash
    book = json.loads(path.read_text())
    book["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    path.write_text(json.dumps(book))
    assert question(path).code_hash == before
    book["cells"][1]["source"] += "\n# changed"
    path.write_text(json.dumps(book))
    assert question(path).code_hash != before
