"""The page: answer first, everything escaped, nothing loaded, no identifier."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.reporting.guard import identifiers_among, readable, refuse_identifiers, suspects
from crmlab.reporting.page import write_page

ABOUT = {
    "name": "00_x", "question": "Who & <what>?", "decision": "**which** one", "owner": "me",
    "parameters": [{"name": "limits_amount", "value": [1, 2], "help": "limits, EUR"}],
    "facts": {
        "bank": "B", "currency": "EUR", "simulated": False, "as_of": "2024-03-31", "fingerprint": "f" * 32,
        "rows_read": 1234, "rows_set_aside": 7, "commit": "", "dirty": False,
        "versions": {"crmlab": "0.1.0", "python": "3.11.7"},
    },
}  # fmt: skip
EMPTY = {"answers": ["Yes."], "numbers": [], "notes": [], "figures": [], "tables": [], "actions": [], "gaps": []}


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def make(folder, *cells, **findings):
    (folder / "findings.json").write_text(json.dumps({**EMPTY, **findings}), encoding="utf-8")
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": list(cells)}), encoding="utf-8")
    return write_page(folder, ABOUT).read_text(encoding="utf-8")


def markdown(text):
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(source, *outputs):
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": list(outputs)}


def shown(metadata=None, kind="display_data", **data):
    data = {key.replace("_", "/", 1): value for key, value in data.items()}
    return {"output_type": kind, "metadata": metadata or {}, "data": data}


def _refusal(act) -> str:
    with pytest.raises(CrmlabError) as caught:
        act()
    return str(caught.value)


@pytest.fixture(scope="module")
def page(site):
    text = (site.out / "00_regions" / "00_regions.html").read_text(encoding="utf-8")
    return text.replace("\u00a0", " ")  # a number and its unit stay on one line


def test_the_answer_comes_first_then_evidence_gaps_method_limits(page):
    heads = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert heads == [
        "Answer", "Evidence", "What could not be answered", "Method", "Limits", "Set-up", "About this run",
    ]  # fmt: skip
    assert page.index("live in the North.") < page.index("Who lives where?</h3>")


def test_the_contents_lead_to_every_part(page):
    tags = Tags(page).found
    targets = {a["href"][1:] for tag, a in tags if tag == "a" and a.get("href", "").startswith("#")}
    ids = [a["id"] for _, a in tags if "id" in a]
    assert targets <= set(ids)
    assert len(ids) == len(set(ids))
    assert {"answer", "evidence", "who-lives-where", "not-answered", "method", "limits", "about-this-run"} <= targets


def test_nothing_is_loaded_and_nothing_runs(site):
    for path in site.out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        tags = Tags(text).found
        assert {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "form", "base"} == set()
        assert [a for _, a in tags if any(name.startswith("on") for name in a)] == []
        loaded = [a["src"] for tag, a in tags if "src" in a] + [a["href"] for tag, a in tags if tag == "link"]
        assert [address[:5] for address in loaded if not address.startswith("data:")] == []
        assert "url(" not in text
        assert "@import" not in text
        policy = next(a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy")
        assert policy.startswith("default-src 'none'; img-src data:;")


def test_every_figure_says_what_it_shows(page):
    pictures = [a for tag, a in Tags(page).found if tag == "img"]
    assert [a["alt"] for a in pictures] == ["Bars: customers by region."]


def test_text_of_the_data_and_of_the_notebook_is_escaped(page):
    assert "West &amp; &lt;East&gt;" in page
    assert "Tiny &lt;Bank&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "North <strong>leads</strong> with &lt;b&gt;30&lt;/b&gt; customers." in page
    assert "example.org" not in page


def test_code_is_folded_and_streams_are_dropped(page):
    assert page.count("<details") == page.count('<details class="code">') + 1  # and the contents, on a phone
    assert "<details open" not in page
    assert ">noise" not in page
    assert "&lt;Axes" not in page


def test_numbers_stand_in_a_table_with_interval_and_n(page):
    row = re.search(r"<tr><th scope=\"row\">Customers in the North.*?</tr>", page)[0]
    texts = re.findall(r">([^<>]+)<", row)
    assert texts == ["Customers in the North", "50.0 %", "40.0 to 60.0 %", "60", "95 %, Wilson"]


def test_the_footer_tells_parameters_and_fingerprint(page, site):
    footer = page[page.index("<footer>") :]
    assert "<code>top_count</code></td><td>3</td><td>regions shown, count" in footer
    assert "as_of</code></td><td>2020-02-29" in footer
    assert json.loads((site.out / "manifest.json").read_text())["fingerprint"] in footer
    assert str(site.root) not in page


def test_the_index_lists_question_answer_link_and_what_is_missing(site):
    index = (site.out / "index.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert '<a href="00_regions/00_regions.html">Where?</a>' in index
    assert "50.0 % (95 % interval 40.0 to 60.0 %, n = 60) live in the North." in index
    assert "Not answered here: balances (this bank has none)." in index
    assert "What balances?" in index
    assert "needs balances or snapshot." in index
    assert "cell 6 (`regions = 1`): ZeroDivisionError: division by zero." in index
    assert "1 question answered, 1 not answered for want of data, 2 failed." in index


def test_sections_of_other_names_stay_with_the_evidence(tmp_path):
    page = make(
        tmp_path, markdown("# Q?\n\n**Owner** x\n\nA *lead*."), markdown("## Limits\nl"), markdown("## Movement\nm"),
        markdown("## Evidence\ne\n```\n## no heading\n```"), markdown("## Data: where from\nd"),
    )  # fmt: skip
    heads = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert heads == ["Answer", "Movement", "Evidence", "Data: where from", "Limits", "About this run"]
    assert "A <em>lead</em>." in page


def test_rows_left_out_are_told(tmp_path, page):
    assert "7 of 1,234 rows break the contract and were left out" in make(tmp_path, markdown("# Q?"))
    assert "were left out" not in page


def test_a_figure_past_findings_is_refused(tmp_path):
    assert _refusal(lambda: make(tmp_path, markdown("# Q?"), code("plot", shown(image_png="AAAA")))) == (
        "cell 2 shows a figure that findings does not know, so it has no alt text. "
        "Hand it on: findings.figure(name, axes, alt=...)."
    )


def test_a_shown_frame_of_customers_is_refused(tmp_path):
    html = "<table><thead><tr><th></th><th>customer_id</th></tr></thead></table>"
    assert _refusal(lambda: make(tmp_path, code("frame", shown(kind="execute_result", text_html=html)))) == (
        "cell 1 shows a table with customer_id. A page shows groups only; give the list to findings.actions."
    )


def test_a_shown_frame_keeps_its_structure_only(tmp_path):
    html = "<style>x{}</style><table onclick='x()' style='color:red'><tr><th>n</th><td>1<img src=x></td></tr></table>"
    page = make(tmp_path, code("frame", shown(kind="execute_result", text_html=html)))
    assert "<table><tr><th>n</th><td>1</td></tr></table>" in page


def test_a_kept_model_is_told_in_a_line(tmp_path):
    model = {"name": "behaviour", "label": "segments by <behaviour>", "file": "models/behaviour.json"}
    mark = shown({"crmlab": {"kind": "model", "name": "behaviour"}}, text_markdown="x")
    page = make(tmp_path, code("m", mark), models=[model])
    assert (
        "A model was kept beside this page (<code>models/behaviour.json</code>): segments by &lt;behaviour&gt;. "
        "It assigns other customers without learning anew, and names no customer."
    ) in page


def test_long_tables_show_ten_rows(tmp_path):
    table = {
        "name": "t", "caption": "T", "columns": ["x"], "rows": [[i] for i in range(1500)], "headers": ["x"],
        "texts": [[f"row{i}"] for i in range(1500)], "numeric": [True],
    }  # fmt: skip
    page = make(tmp_path, code("t", shown({"crmlab": {"kind": "table", "name": "t"}}, text_html="x")), tables=[table])
    assert "row9<" in page
    assert "row10<" not in page
    assert '1,490 more rows are in the file: <a href="data:text/csv;base64,' in page
    file = base64.b64decode(re.search(r"data:text/csv;base64,([^\"]+)", page)[1]).decode("utf-8-sig")
    assert file.splitlines() == ["x", *map(str, range(1500))]


def test_what_a_page_says_is_told_from_its_code():
    assert readable('<p>a<code>b</code></p><img alt="c"><footer><p>d</p></footer>e') == ("a\nc\ne", "b\nd")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("customer A0007 left", {"A0007"}),
        ("A0007, A0008.", {"A0007", "A0008"}),
        ("id=12345678", {"12345678"}),
        ("account (12345)", {"12345"}),
        ("12,345 customers on 1998-12-31 at 12:30", set()),
        ("EUR 12345.67 and 0.12345", set()),
        ("in 1998 tier C5 held 71.3 %", set()),
        ("A-17/7", {"A-17", "A-17/7"}),
    ],
)
def test_only_what_could_be_an_identifier_is_looked_up(text, found):
    assert suspects(text) == found


def test_the_bank_is_asked_for_the_suspects(tiny_bank):
    bank = Bank.open(tiny_bank)
    assert identifiers_among({"A0007", "7000001", "X1", "99999"}, bank) == [
        ("A0007", "customers.customer_id"), ("7000001", "accounts.account_id"),
    ]  # fmt: skip
    refuse_identifiers("<p>1,234 customers</p>", bank, "00_x")
    assert _refusal(lambda: refuse_identifiers("<p>A0007</p><td>7000001</td>", bank, "00_x")).startswith(
        "00_x: the page shows 2 identifiers of customers.customer_id, accounts.account_id and is not published."
    )
    refuse_identifiers("<code>limit = 7000001</code>", bank, "00_x")  # a number in code is a setting
    with pytest.raises(CrmlabError):
        refuse_identifiers("<code>'A0007'</code>", bank, "00_x")
    with pytest.raises(CrmlabError):
        refuse_identifiers("", bank, "00_x", pictured=["A0007"])
    with pytest.raises(CrmlabError):
        refuse_identifiers('<img alt="A0007">', bank, "00_x")


def test_a_gap_is_told_where_its_evidence_would_stand_and_in_the_list(page):
    assert page.count("Not answered here: balances; this bank has none.") == 1
    assert "<strong>balances</strong>: this bank has none" in page
