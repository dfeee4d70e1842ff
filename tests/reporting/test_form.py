"""The form of a notebook, and the template that keeps it."""

import json

import pytest

from crmlab.errors import CrmlabError
from crmlab.reporting.form import form_problems
from crmlab.reporting.start import start_notebook


@pytest.fixture
def template(tmp_path):
    return start_notebook(tmp_path, "Which customers use the app?", chapter=5)


def _changed(path, number, source=None, **more):
    book = json.loads(path.read_text(encoding="utf-8"))
    cell = book["cells"][number - 1]
    cell["source"] = cell["source"] if source is None else source
    cell.update(more)
    path.write_text(json.dumps(book), encoding="utf-8")
    return form_problems(path)


def test_the_template_keeps_the_form_and_asks_the_question(template):
    assert template.name == "50_customers_use_app.ipynb"
    assert form_problems(template) == ()
    assert json.loads(template.read_text())["cells"][0]["source"][0] == "# Which customers use the app?\n"


@pytest.mark.parametrize(
    ("number", "source", "problem"),
    [
        (5, "def f():\n    return 1", "cell 5: defines a function or class. Move it into the package, with a test."),
        (5, "f = lambda x: x", "cell 5: defines a function or class. Move it into the package, with a test."),
        (5, "for x in y:\n    z = x", "cell 5: loops. Move the loop into the package, with a test."),
        (5, "z = [x for x in y]", "cell 5: loops. Move the loop into the package, with a test."),
        (5, "print(bank)", "cell 5: prints. Use findings.note(...) for a reading."),
        (5, "import os", "cell 5: imports os. The bank reads and findings write."),
        (5, "pd.read_csv(source)", "cell 5: calls read_csv. The bank reads and findings write."),
        (5, 'x = f("../data/a")',
         "cell 5: holds the path '../data/a'. Take it from a parameter, or leave files to the bank."),
        (5, "%matplotlib inline", "cell 5: is not plain Python (a magic or a slip). Write Python only."),
        (5, "\n".join(["x = 1"] * 13), "cell 5: has 13 lines, more than 12. Move the work into the package."),
        (11, 'findings.answer(f"{x} of 12 customers")',
         "cell 11: types '12' in findings.answer. Compute it and put it in braces."),
        (9, 'findings.note("It grew by 3.5 %." if x else "no")',
         "cell 9: types '3.5' in findings.note. Compute it and put it in braces."),
        (10, "## Answer\n\nAbout 71 % of them.",
         "cell 10: types '71' in the answer. Compute it: findings.answer(f'... {value} ...')."),
        (8, "## Evidence\n\n$x^2$",
         "cell 8: holds TeX. Say it in words, or put the formula into the function's docstring."),
        (8, "## Evidence\n\n![x](y.png)",
         "cell 8: holds a picture. Draw it with a chart function and findings.figure."),
    ],
)  # fmt: skip
def test_a_breach_of_the_form_is_named_with_its_cure(template, number, source, problem):
    assert f"{template.stem}, {problem}" in _changed(template, number, source)


def test_stored_outputs_and_missing_ids_are_named(template):
    assert _changed(template, 5, outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}], id="") == (
        "50_customers_use_app, cell 5: has no id. Save the notebook in JupyterLab, and strip with --keep-id.",
        "50_customers_use_app, cell 5: holds outputs. Run nbstripout --keep-id.",
    )


def test_title_parameters_and_order_are_checked(template):
    name = template.stem
    assert _changed(template, 1, "# Customers\n**Reads** `customers`") == (
        f"{name}: the title 'Customers' is no question. End it with a question mark.",
        f"{name}: the title cell lacks Decision. Add a line **Decision** ...",
        f"{name}: the title cell lacks Owner. Add a line **Owner** ...",
        f"{name}: the title cell lacks Writes. Add a line **Writes** ...",
    )
    wrong = _changed(template, 2, 'source: str = "x"  # bank\ndays: int = 3  # so many\nloud: bool = True')
    assert f"{name}: lacks the parameter as_of. Copy its line from another notebook." in wrong
    assert (
        f"{name}: parameter days names no unit in 'so many'. Add one: days, months, share, count, the bank's currency."
        in wrong
    )
    assert f"{name}: parameter loud has no comment. Say what it is, with its unit." in wrong
    assert (
        f"{name}: sections are Data, Method, Evidence, Limits. "
        "Write ## Data, ## Method, ## Evidence, ## Answer, ## Limits, in this order."
    ) in _changed(template, 10, "no heading")
    assert f"{name}: the last cell does not record. End with findings.record()." in _changed(template, 13, "x = 1")


def test_too_much_is_named(template):
    book = json.loads(template.read_text())
    figures = {**book["cells"][4], "source": "findings.figure('a', axes)\n" * 9, "id": "many"}
    book["cells"][4:4] = [figures] + [{**figures, "source": "x = 1", "id": f"x{i}"} for i in range(30)]
    template.write_text(json.dumps(book))
    problems = form_problems(template)
    assert "50_customers_use_app: has 44 cells, more than 40. One notebook answers one question." in problems
    assert "50_customers_use_app: has 10 figures, more than 8. Keep those that carry the answer." in problems
    assert (
        "50_customers_use_app, cell 7: is code cell 3 in a row. Say in Markdown what the reader looks at." in problems
    )


def test_a_new_notebook_takes_the_next_free_number(tmp_path):
    for name in ("50_a", "52_b"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    assert start_notebook(tmp_path, "What next", chapter=5).name == "53_next.ipynb"
    assert start_notebook(tmp_path, "谁会离开？", chapter=3).name == "30_question.ipynb"
    assert start_notebook(tmp_path, "Why?").name == "question.ipynb"
    for number in range(60, 70):
        (tmp_path / f"{number}_c.ipynb").write_text("{}")
    with pytest.raises(CrmlabError) as full:
        start_notebook(tmp_path, "What next?", chapter=6)
    assert str(full.value) == "chapter 6 has no free number left. Choose another chapter, or --scratch."
    with pytest.raises(CrmlabError) as empty:
        start_notebook(tmp_path, " ? ")
    assert str(empty.value) == 'the question is empty. Write it in quotes: crmlab new "Which customers use the app?"'
    with pytest.raises(CrmlabError) as twice:
        start_notebook(tmp_path, "Why?")
    assert str(twice.value) == "notebook 'question.ipynb' is there already. Ask in other words, or open that one."


def test_a_new_notebook_runs_as_it_is(tmp_path, ask):
    start_notebook(tmp_path / "notebooks", "Which customers use the app?", chapter=5)
    result = ask().results["50_customers_use_app"]
    assert (result.status, result.reason) == ("answered", "")
    assert (
        result.headline
        == "100.0 % (95 % interval 94.0 to 100.0 %, n = 60) of the customers joined in the last 365 days."
    )
