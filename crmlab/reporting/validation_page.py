"""The page that holds the answers of a run against the truth of its simulated bank."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.findings import Findings
from crmlab.findings.pictures import data_uri
from crmlab.findings.tables import plain
from crmlab.reporting.markup import Headings
from crmlab.reporting.page import environment
from crmlab.reporting.results import write_whole
from crmlab.stats import Estimate, proportion

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.check import Part, Validation
    from crmlab.validation.claims import Claim

__all__ = ["write_validation"]

_MOST_IN_A_FIGURE = 32  # more rows would not fit a printed page


def write_validation(folder: Path, about: dict[str, Any], validation: Validation, bank: Bank) -> Path:
    """Write ``findings.json``, ``claims.json``, the figures and the page.

    Parameters
    ----------
    folder : Path
        Of the validation in the run.
    about : dict
        ``name``, ``question``, ``decision``, ``owner``, ``parameters``, ``facts``, as for a notebook's page.
    validation : Validation
        What was found.
    bank : Bank
        Gives name and currency.

    Returns
    -------
    Path
        ``<name>.html``.
    """
    findings = Findings(bank, folder=folder)
    verdict = validation.verdict
    for sentence in verdict.sentences:
        findings.answer(sentence)
    share = proportion(verdict.held, verdict.n, method="clopper")
    if verdict.n:
        findings.number("held_share", share, label="Intervals that hold the truth")
        findings.number("p_value", Estimate(verdict.p_value, "index", n=verdict.n), label="Exact binomial check")
    headings = Headings()
    for taken in ("answer", "planted", "notebooks", "textbooks", "limits", "about-this-run"):
        headings.anchor(taken)
    notebooks = [_part(part, headings) for part in validation.notebooks]
    textbooks = [_part(part, headings) for part in validation.textbooks]
    figures = _draw(findings, validation)
    findings.record()
    claims = [{"part": part.title, **_plain(claim)} for part in _parts(validation) for claim in part.claims]
    write_whole(folder / "claims.json", json.dumps(claims, indent=1, ensure_ascii=False) + "\n")
    html = (
        environment()
        .get_template("validation.html.j2")
        .render(
            about=about,
            facts=about["facts"],
            answers=verdict.sentences,
            advice=validation.advice,
            verdict=verdict,
            defects=validation.defects,
            level=f"{100 * verdict.level:g} %",
            planted=[{"anchor": headings.anchor(topic.title), "topic": topic} for topic in validation.planted],
            notebooks=notebooks,
            textbooks=textbooks,
            figures=[_embedded(folder, entry) for entry in findings.as_dict()["figures"] if entry["name"] in figures],
        )
    )
    path = folder / f"{about['name']}.html"
    write_whole(path, html)
    return path


def _parts(validation: Validation) -> tuple[Part, ...]:
    return (*validation.notebooks, *validation.textbooks)


def _draw(findings: Findings, validation: Validation) -> list[str]:
    """Draw the claims with an interval; one figure, or one a part where they are many."""
    from crmlab import charts
    from crmlab.validation.check import claims_frame

    parts = _parts(validation)
    together = claims_frame(parts)
    chosen = [("recovered", parts)]
    if len(together) > _MOST_IN_A_FIGURE:
        several = [("recovered_notebooks", validation.notebooks)]
        several += [(f"recovered_{number}", (part,)) for number, part in enumerate(validation.textbooks, 1)]
        chosen = several
    drawn = []
    for name, some in chosen:
        frame = claims_frame(some)
        if not len(frame):
            continue
        held = int(frame["is_held"].sum())
        title = f"{held} of {len(frame)} intervals hold the truth"
        if len(some) == 1:
            title = f"{some[0].title}: {title}"
        axes = charts.against_truth(
            frame, label="label", value="offset", low="offset_low", high="offset_high", found="found", true="true",
            is_held="is_held", by="part" if len(some) > 1 else None, title=title,
            subtitle="Dot: estimate; line: its 95 % interval; both less the truth. "
            "An interval that reaches the vertical line holds the truth",
        )  # fmt: skip
        alt = f"Dots with intervals against the truth, one row a number. {title}."
        findings.figure(name, axes, alt=alt)
        drawn.append(name)
    return drawn


def _embedded(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    content = (folder / entry["file"]).read_bytes()
    return {**entry, "address": data_uri(content, entry["file"].rpartition(".")[2])}


def _part(part: Part, headings: Headings) -> dict[str, Any]:
    """Give what the template shows of a part."""
    held = sum(bool(claim.is_held) for claim in part.known)
    ways = {claim.how for claim in part.known}
    return {
        "how": ways.pop() if len(ways) == 1 and len(part.known) > 1 else "",  # said once for all
        "name": part.name,
        "title": part.title,
        "about": part.about,
        "anchor": headings.anchor(part.name or part.title),
        "known": part.known,
        "unknown": _grouped(part.unknown),
        "unknown_count": len(part.unknown),
        "held": held,
    }


def _grouped(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Put numbers that share a reason together, in the order of their first one."""
    groups: dict[str, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.how, []).append(claim)
    return [{"why": why, "labels": [claim.label for claim in some]} for why, some in groups.items()]


def _plain(claim: Claim) -> dict[str, Any]:
    estimate = plain(claim.estimate)
    truth = plain(claim.truth)
    return {"question": claim.question, "name": claim.name, "label": claim.label, **estimate, "truth": truth,
            "is_held": claim.is_held, "how": claim.how}  # fmt: skip
