"""Runs made up on disk: chapters 0, 3 and 4 with numbers that are known by heart."""

import json
from pathlib import Path

import pytest

FACTS = {
    "bank": "Made-up Bank", "currency": "EUR", "simulated": False, "as_of": "2024-06-30", "fingerprint": "abc123",
    "rows_read": 1000, "rows_set_aside": 3, "versions": {"crmlab": "0.1.0", "python": "3.11.7"}, "commit": "",
}  # fmt: skip


def number(name, label, value, unit, low=None, high=None, n=1000, method="Wilson"):
    """One number as findings.json holds it."""
    from crmlab.stats import Estimate

    estimate = Estimate(value, unit, low, high, n, method)
    texts = {"short": estimate.short, "interval": estimate.interval, "text": estimate.text}
    return {"name": name, "label": label, **estimate.as_dict(), **texts}


def question(name, asked, answers, numbers=(), *, titles=(), readings=(), tables=(), gaps=(), actions=(), **more):
    """One question as a run holds it."""
    figures = [
        {
            "name": f"figure_{place}", "file": f"figures/figure_{place}.svg", "alt": f"Bars. {title}.", "caption": "",
            "title": title, "about": "Share of customers, %; Wilson 95 % interval; n = 1,000",
            "reading": dict(enumerate(readings)).get(place, ""), "words": [],
        }
        for place, title in enumerate(titles)
    ]  # fmt: skip
    return {
        "entry": {
            "name": name, "question": asked, "status": "answered", "reason": "", "page": f"{name}/{name}.html",
            "parameters": {}, "decision": "what to do", "owner": "head of retention", **more,
        },
        "findings": {
            "notebook": name, "answers": list(answers), "numbers": list(numbers), "notes": [], "figures": figures,
            "tables": list(tables), "gaps": list(gaps), "actions": list(actions), "models": [],
        },
    }  # fmt: skip


LEAVING = question(
    "31_leaving",
    "Who will leave?",
    [
        "8.1 % leave in a year (95 % interval 7.0 to 9.2 %, n = 1,000). It was less before.",
        "Calling the first 200 earns EUR 12,400 a year (EUR 3,100 to EUR 21,700, n = 1,000). A card goes with "
        "EUR 900.00. The interval reaches below 0, so no budget can be founded on it yet.",
    ],
    [
        number("leaving_share", "Leave in a year", 0.081, "share", 0.070, 0.092),
        number("call_gain", "Net gain of calling", 12400.0, "EUR", 3100.0, 21700.0, method="bootstrap"),
        number("card_gain", "Gain of a birthday card", 900.0, "EUR", -400.0, 2200.0, method="bootstrap"),
        number("naive_gain", "Gain as it looks", 99000.0, "EUR", 90000.0, 108000.0),
    ],
    titles=("8.1 % of customers leave in a year", "Calling 200 earns EUR 12,400", "A card may earn EUR 900"),
    readings=("8.1 % leave.", "Calling earns EUR 12,400 (EUR 3,100 on).", "EUR 900.00, which may be chance."),
    tables=[
        {
            "name": "plan", "caption": "What to do with whom", "columns": [],
            "headers": ["Segment", "Product", "Channel", "Service", "Measure"],
            "rows": [], "numeric": [False] * 5,
            "texts": [["Savers", "Term deposit", "branch", "talk", "left: 8.1 %"],
                      ["Card payers", "Credit card", "app", "chat", "card held: 40.0 %"]],
        }
    ],
    gaps=[{"what": "why they leave", "why": "nobody asked them"}],
    actions=[{"name": "calls", "rows": 200, "columns": ["customer_id", "reason", "is_holdout"]}],
)  # fmt: skip
WORTH = question(
    "41_worth",
    "What is a customer worth?",
    ["A customer is worth EUR 1,310 (EUR 1,280 to EUR 1,340, n = 1,000) in five years."],
    [number("value_mean", "Value of a customer", 1310.0, "EUR", 1280.0, 1340.0, method="bootstrap")],
    titles=("A customer is worth EUR 1,310",),
    readings=("The top tenth holds most of it.",),
)
BASE = question(
    "00_base", "Who are our customers?", ["1,000 customers, 50.0 % of them in the North."],
    [number("customers", "Customers", 1000.0, "count", n=None, method=""),
     number("north_share", "In the North", 0.5, "share", 0.469, 0.531)],
    titles=("50.0 % live in the North",),
)  # fmt: skip


def picture():
    """A small figure as SVG and PNG."""
    import io

    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 2.25))
    axes.bar(["a", "b"], [1, 2])
    contents = []
    for ending in ("svg", "png"):
        held = io.BytesIO()
        figure.savefig(held, format=ending)
        contents.append(held.getvalue())
    plt.close(figure)
    return contents


def write_run(folder: Path, *questions, facts=None, failed=(), lacking=()) -> Path:
    """Write a run as `crmlab run` leaves it."""
    svg, png = picture()
    entries = []
    for one in questions:
        name = one["entry"]["name"]
        place = folder / name / "figures" / "slides"
        place.mkdir(parents=True)
        for figure in one["findings"]["figures"]:
            (folder / name / figure["file"]).write_bytes(svg)
            (place / f"{figure['name']}.svg").write_bytes(svg)
            (place / f"{figure['name']}.png").write_bytes(png)
        (folder / name / "findings.json").write_text(json.dumps(one["findings"]), encoding="utf-8")
        book = {
            "cells": [{"cell_type": "markdown", "source": "## Limits\n\n- Only what is\n  known.\n- Nothing else."}]
        }
        (folder / name / "notebook.ipynb").write_text(json.dumps(book), encoding="utf-8")
        entries.append(one["entry"])
    for name, status, reason in (*((n, "failed", r) for n, r in failed), *((n, "not_answered", r) for n, r in lacking)):
        entries.append({"name": name, "question": f"{name}?", "status": status, "reason": reason})
    told = {**FACTS, **(facts or {}), "questions": sorted(entries, key=lambda entry: entry["name"])}
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


@pytest.fixture
def made_up():
    """Writes a run: `made_up(folder, question, ..., failed=[(name, reason)], lacking=[(name, reason)])`."""
    return write_run


@pytest.fixture(scope="session")
def asked():
    """Makes a question, and the numbers of one: `asked.question(...)`, `asked.number(...)`, and three ready ones."""
    from types import SimpleNamespace

    return SimpleNamespace(question=question, number=number, leaving=LEAVING, worth=WORTH, base=BASE)


@pytest.fixture
def run_folder(tmp_path):
    """A run of chapters 0, 3 and 4."""
    return write_run(tmp_path / "run", BASE, LEAVING, WORTH)
