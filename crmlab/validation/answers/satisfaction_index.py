"""What is true of the numbers of notebook 20: how satisfied customers are."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.satisfaction.pages.index_evidence import dimensions_of
from crmlab.satisfaction.ready import study_or_reason
from crmlab.satisfaction.study import Study
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.survey_truth import TrueWave, true_wave

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "20_satisfaction_index"
_HOW = (
    "Expected answers given the true opinions, over all who could be asked, each by the planted chance to answer and "
    "the weight a response gets"
)


@functools.lru_cache(maxsize=1)
def _waves(bank: Bank, truth: Truth, wave: str) -> tuple[Study, TrueWave | None, TrueWave | None] | None:
    """The study, and the truth of the judged wave and of the one before; the last few numbers share them."""
    study, _ = study_or_reason(bank, wave=wave, resamples=20)
    if study is None or study.answers.questionnaire.name != "retail_bank":
        return None
    place = study.waves.index(study.wave)
    before = true_wave(bank, truth, study, study.waves[place - 1]) if place else None
    return study, true_wave(bank, truth, study, study.wave), before


def _seen(case: Case) -> tuple[Study, TrueWave, TrueWave | None] | Unknown:
    if case.parameters.get("model"):
        return Unknown("The index was frozen by an earlier run, which is not known here.")
    found = _waves(case.bank, case.truth, str(case.parameters.get("wave") or ""))
    if found is None or found[1] is None:
        return Unknown("The simulation has no opinions of the months of this wave.")
    return found


def _index(construct: str) -> TrueValue:
    def value(case: Case) -> Known | Unknown:
        seen = _seen(case)
        if isinstance(seen, Unknown):
            return seen
        study, now, _ = seen
        weights = study.index.weights_[construct]
        return Known(
            now.index(weights),
            f"{_HOW}. Over all customers it is {now.index(weights, of_all=True):.1f}: who thinks well of the bank "
            "answers more often.",
        )

    return value


def _change(construct: str) -> TrueValue:
    def value(case: Case) -> Known | Unknown:
        seen = _seen(case)
        if isinstance(seen, Unknown):
            return seen
        study, now, before = seen
        if before is None:
            return Unknown("The simulation has no opinions of the months of the wave before.")
        weights = study.index.weights_[construct]
        return Known(now.index(weights) - before.index(weights), f"{_HOW}, in this wave less the one before.")

    return value


def _nps(case: Case) -> Known | Unknown:
    seen = _seen(case)
    if isinstance(seen, Unknown):
        return seen
    _, now, _ = seen
    return Known(
        now.net_promoter_score(),
        f"{_HOW}. Over all customers it is {now.net_promoter_score(of_all=True):.1f} points.",
    )


def _nps_change(case: Case) -> Known | Unknown:
    seen = _seen(case)
    if isinstance(seen, Unknown):
        return seen
    _, now, before = seen
    if before is None:
        return Unknown("The simulation has no opinions of the months of the wave before.")
    return Known(now.net_promoter_score() - before.net_promoter_score(), f"{_HOW}, in this wave less the one before.")


def _responses(case: Case) -> Known | Unknown:
    seen = _seen(case)
    if isinstance(seen, Unknown):
        return seen
    return Known(seen[1].response_share, "Sum of the planted chances to be asked and to answer, of all customers.")


def _system(case: Case) -> Known | Unknown:
    seen = _seen(case)
    if isinstance(seen, Unknown):
        return seen
    study, now, _ = seen
    names = dimensions_of(study)
    shares = {
        item: 1 / len(names) / len(study.model.latents[name]) for name in names for item in study.model.latents[name]
    }
    return Known(now.index(pd.Series(shares)), f"{_HOW}; every dimension alike, its items alike.")


_CONSTRUCTS = ("image", "expectations", "product_quality", "service_attitude", "handling_efficiency", "value",
               "satisfaction", "loyalty")  # fmt: skip
TRUTHS: dict[str, TrueValue] = {
    **{f"index_{name}": _index(name) for name in _CONSTRUCTS},
    **{f"change_{name}": _change(name) for name in _CONSTRUCTS},
    "nps": _nps,
    "nps_change": _nps_change,
    "response_share": _responses,
    "system_index_equal": _system,
}
_OF_THE_SAMPLE = "It follows from how many answered and how they spread; no planted number states it."
_OF_THE_WEIGHTS = "These weights are found in the answers themselves; there is no true weighting."
_BY_CONVENTION = "It counts what passes a limit that is a convention; by chance some pass it on any bank."
NO_TRUTH: dict[str, str] = {
    "r_indicator": "It sees only what the bank knows of its customers; chances to answer also follow from what it does "
    "not know. Tests hold it to chances that are known.",
    "reliability_lowest": "Loadings are planted, but which construct is the weakest, and how customers who answer "
    "spread, is not; tests hold reliability to published figures.",
    "htmt_highest": "The largest of many is too large by chance; tests hold each of them to published figures.",
    "srmr": "The planted model holds before answers are rounded and cut; what that adds has no planted number.",
    "instrument_problems": _BY_CONVENTION,
    "smallest_change": _OF_THE_SAMPLE,
    "responses_needed": _OF_THE_SAMPLE,
    "groups_different": _OF_THE_SAMPLE,
    "constructs_alike": "Items mean the same to everybody in the simulation; each construct is doubted by chance in "
    "five of a hundred surveys.",
    "branches_*": "How many branches stand out depends on how many customers of each answered.",
    "csat_share": "It follows from what happened in each contact; the simulation keeps no expected answer.",
    "csat_complaint_share": "It follows from what happened in each contact; the simulation keeps no expected answer.",
    "effort_ease": "The simulated bank does not ask for effort.",
    "system_index_path_model": _OF_THE_WEIGHTS,
    "system_index_judged": _OF_THE_WEIGHTS,
    "system_index_entropy": _OF_THE_WEIGHTS,
    "system_index_combined": _OF_THE_WEIGHTS,
    "system_difference_*": _OF_THE_WEIGHTS,
    "weighting_reach": _OF_THE_WEIGHTS,
    "league_*": "Branches are alike in the simulation but for their customers and measures; no true place is planted.",
    "judges_consistency_ratio": "Judgements are brought from outside; they are consistent or not.",
    "theme_*": "The interval is for other customers, and only the themes of these comments are planted; a test holds "
    "the codebook to them.",
    "uncoded_share": "Every comment of the simulation has a theme, and the codebook was written with its sentences in "
    "view; on other comments the share says how much the codebook misses.",
}
