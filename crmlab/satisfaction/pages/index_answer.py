"""The answer about satisfaction in sentences."""

from __future__ import annotations

import math

import pandas as pd

from crmlab.satisfaction.measurement.instrument import LEAST_RELIABILITY
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.pages.group_evidence import FEWEST_SHOWN
from crmlab.satisfaction.pages.index_evidence import dimensions_of
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.answers import wave_name
from crmlab.satisfaction.survey.groups import group_title
from crmlab.stats import Estimate, Evidence, count_text, estimates_of

__all__ = ["HOW_TO_JUDGE", "attention", "headline", "in_order", "labels", "no_answer", "trust"]

_LABELS = {
    "response_share": "Customers who answered",
    "r_indicator": "Representativity of who answered (R-indicator)",
    "reliability_lowest": "Reliability of the weakest construct",
    "htmt_highest": "Likeness of the two most alike constructs (HTMT)",
    "srmr": "Misfit of the model (SRMR)",
    "instrument_problems": "Problems of the questions",
    "smallest_change": "Smallest change of satisfaction that would be seen",
    "responses_needed": "Responses that an interval of 4 points needs",
    "groups_different": "Groups that differ from the others",
    "constructs_alike": "Constructs made up alike in the two largest groups",
    "branches_top": "Branches that stand out at the top",
    "branches_bottom": "Branches that stand out at the bottom",
    "branches_spread": "Spread of the true means of branches",
    "nps": "Net promoter score",
    "nps_change": "Change of the net promoter score",
    "csat_share": "Contacts after which 9 or 10 is given",
    "csat_complaint_share": "The same after complaints",
    "effort_ease": "Ease",
    "weighting_reach": "Largest difference that weights make",
    "league_first_share": "Draws in which the leader of the league table leads",
    "league_sure_pairs_share": "Pairs of branches in the league table that can be told apart",
    "league_reversals": "Orders of two branches that hang on a third",
    "judges_consistency_ratio": "Consistency ratio of the judges",
    "uncoded_share": "Commenters without a theme",
}
_WEIGHTED = {"equal": "equal shares", "path_model": "path model", "judged": "judges", "entropy": "entropy",
             "combined": "judges and entropy"}  # fmt: skip


HOW_TO_JUDGE = (
    "no experts' judgements are given; ask them which dimension matters more and how much, pair by pair, write a file "
    "as data/judgements/README.md says, and name it in the parameter judgements"
)


def headline(study: Study, index: Evidence, waves: Evidence) -> str:
    """Say how satisfied customers are, and whether that changed.

    Parameters
    ----------
    study : Study
        As prepared.
    index, waves : Evidence
        Of `crmlab.satisfaction.pages.index_evidence.constructs` and `by_wave`.
    """
    value = index[f"index_{study.target}"]
    told = f"{study.title(study.target)} stands at {value.text} of 100 in {study.when}"
    change = waves.estimates.get(f"change_{study.target}")
    if change is None or not math.isfinite(change.value):
        return f"{told}; there is no earlier wave to compare it with."
    before = wave_name(study.waves[study.waves.index(study.wave) - 1])
    if change.low is None or change.high is None:
        return f"{told}; whether it changed since {before} is not known."
    clear = "" if change.low > 0 or change.high < 0 else ", which may be chance"
    return f"{told}, {change.value:+.1f} points against {before} ({change.low:+.1f} to {change.high:+.1f}{clear})."


def trust(study: Study, reliable: Evidence, problems: Evidence, answered: Evidence) -> str:
    """Say whether the survey may steer: the index, and the drivers.

    Parameters
    ----------
    study : Study
        As prepared.
    reliable, problems : Evidence
        Of `crmlab.satisfaction.pages.instrument_evidence`.
    answered : Evidence
        Of `crmlab.satisfaction.pages.response_evidence.who_answered`.
    """
    lowest = reliable.estimates.get("reliability_lowest")
    if lowest is None:
        told = "Whether the answers can be trusted is not known, for no construct has several items."
    elif lowest.value >= LEAST_RELIABILITY:
        told = (
            f"Yes, the index can be trusted: every construct is measured with a reliability of {lowest.short} or more "
            f"({LEAST_RELIABILITY} is asked)"
        )
        count = int(problems["instrument_problems"].value)
        told += (
            "." if not count else f"; {count} thing{'' if count == 1 else 's'} about the questions should be mended."
        )
    else:
        told = (
            f"The index can be trusted in part: a reliability of {LEAST_RELIABILITY} is asked, and the weakest "
            f"construct has {lowest.short}."
        )
    if study.gate.is_open:
        told += f" All {len(study.gate.frame)} pairs of constructs can be told apart, so their effects may be ranked."
    else:
        first, second = study.gate.pairs[0]
        told += (
            f" It may not say what to improve first: {lowered(study.title(first))} and {lowered(study.title(second))} "
            "cannot be told apart."
        )
    share = answered.estimates.get("response_share")
    if share is None:
        return told + f" For whom it speaks is not known: {answered.title}."
    return told + (
        f" It speaks for the {share.short} of customers who answered; who stays silent may think less well of the bank."
    )


def attention(
    study: Study,
    index: Evidence,
    groups: Evidence,
    branches: Evidence,
    nps: Evidence,
    themes: Evidence,
    *,
    by: str,
    same: Evidence | None = None,
) -> str:
    """Say which dimensions, groups and branches need attention, beside the net promoter score.

    Parameters
    ----------
    study : Study
        As prepared.
    index, groups, branches, nps, themes : Evidence
        What was found of each; those that are missing are left out.
    by : str
        What the groups are.
    same : Evidence, optional
        Whether groups understand the questions alike, from `crmlab.satisfaction.pages.group_evidence.same_yardstick`.
    """
    parts = []
    known = {name: index.estimates.get(f"index_{name}") for name in dimensions_of(study)}
    values = {name: value for name, value in known.items() if value is not None}
    if len(values) > 1:
        order = sorted(values, key=lambda name: values[name].value)
        first = values[order[0]]
        near = [name for name in order[1:] if first.high is not None and values[name].value < first.high]
        beside = f", level with {', '.join(lowered(study.title(name)) for name in near)}" if near else ""
        parts.append(f"Lowest is {lowered(study.title(order[0]))} with {first.short} ({first.interval}){beside}.")
    if len(groups.frame):
        parts.append(_of_groups(groups, by))
        if same is not None and len(same.frame) and groups.frame["is_different"].any():
            other = same.frame.loc[~same.frame["is_invariant"].astype(bool), "latent"]
            if study.target in set(other):
                parts.append(
                    f"The two largest groups do not understand the questions on {lowered(study.title(study.target))} "
                    "alike (MICOM), so this may come from the questions."
                )
    if len(branches.frame):
        top, bottom = (int(branches[f"branches_{end}"].value) for end in ("top", "bottom"))
        n = branches["branches_top"].n
        called = branches.frame[branches.frame["call"] == "bottom"]["branch"].tolist()
        if top + bottom:
            worst = f" ({', '.join(called)})" if called else ""
            parts.append(f"Of {n} branches {top} stand out at the top and {bottom} at the bottom{worst}.")
        else:
            parts.append(f"None of {n} branches with {FEWEST_SHOWN} responses stands out once chance is taken off.")
    if "nps" in nps.estimates:
        parts.append(f"The net promoter score is {nps['nps'].text}.")
    clear = themes.frame[themes.frame["is_clear"] & (themes.frame["lift"] < 0)] if len(themes.frame) else themes.frame
    if len(clear):
        row = clear.iloc[0]
        parts.append(
            f"Who writes about {row['label']} ({count_text(row['n'])} customers) is {abs(row['lift']):.1f} points of "
            f"{study.scale[1]} less satisfied."
        )
    return " ".join(parts) or "Nothing more can be said of single groups."


def no_answer(why: str) -> str:
    """Say that there is no index, and why.

    >>> no_answer("there is no wave")
    'How satisfied customers are cannot be said: there is no wave.'
    """
    return f"How satisfied customers are cannot be said: {why}."


def labels(study: Study | None) -> dict[str, str]:
    """Name every number of the page for a reader.

    Parameters
    ----------
    study : Study or None
        Names the constructs.
    """
    found = dict(_LABELS)
    for name in study.model.names if study else ():
        title = study.title(name)
        found |= {f"index_{name}": f"Index: {lowered(title)}", f"change_{name}": f"Change: {lowered(title)}"}
    for name, said in _WEIGHTED.items():
        found[f"system_index_{name}"] = f"Index of all dimensions, weighed by {said}"
        found[f"system_difference_{name}"] = f"Difference from equal weights: {said}"
    return found


def in_order(study: Study | None, *found: Evidence | None) -> dict[str, Estimate]:
    """Collect the numbers of the page, first those that a manager asks for.

    Parameters
    ----------
    study : Study or None
        Names the target.
    *found : Evidence or None
        Everything that the page shows.
    """
    estimates = estimates_of(*found)
    target = study.target if study else ""
    first = [f"index_{target}", f"change_{target}", "nps", "response_share", "reliability_lowest", "htmt_highest"]
    return {name: estimates[name] for name in (*first, *estimates) if name in estimates}


def _of_groups(groups: Evidence, by: str) -> str:
    table, name = groups.frame, group_title(by)
    clear = table[table["is_different"]]
    if clear.empty:
        return f"By {name}, none of {len(table)} groups differs from the others beyond chance."
    parts = [
        f"{_listed(rows)} {'is' if len(rows) == 1 else 'are'} {'less' if sign < 0 else 'more'} "
        "satisfied than the others"
        for sign, rows in ((-1, clear[clear["difference"] < 0]), (1, clear[clear["difference"] > 0]))
        if len(rows)
    ]
    return f"By {name}, {'; '.join(parts)}, beyond chance."


def _listed(rows: pd.DataFrame) -> str:
    return ", ".join(f"{row.group} ({row.x:.1f})" for row in rows.rename(columns={"index": "x"}).itertuples())
