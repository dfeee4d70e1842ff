"""All that the question what to improve first rests on: study, model that may be read, target, and ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmlab.errors import nearest, refuse, tried
from crmlab.satisfaction.importance.priorities import Priorities, fixed_in, priorities
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.indices.index_interval import METHOD
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.measurement.told_apart import ToldApart, construct_with, index_of, told_apart
from crmlab.satisfaction.study import Study, study_on
from crmlab.stats import Estimate

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Improvement", "improvement_on"]

_OUTCOMES = ("satisfaction", "loyalty")


@dataclass(frozen=True)
class Improvement:
    """One study with what is ranked.

    Parameters
    ----------
    study : Study
        Answers, weights, index.
    judged : ToldApart
        The model whose effects may be read.
    ranked : Priorities
        Of its drivers.
    target : str
        Construct of `judged.model` that is to be raised.
    outcomes : tuple of str
        Satisfaction and loyalty as far as the model has them, the target first.
    index : SatisfactionIndex
        Of the constructs of `judged.model`.
    now : dict of str to Estimate
        Index of every construct at the judged wave, 0 to 100.
    asked : Estimate
        Index of the target as asked, with its frozen weights; that of `now` where nothing was joined.
    unknown : tuple of str
        Names kept out of the ranking that were not asked.
    """

    study: Study
    judged: ToldApart
    ranked: Priorities
    target: str
    outcomes: tuple[str, ...]
    index: SatisfactionIndex
    now: dict[str, Estimate]
    asked: Estimate
    unknown: tuple[str, ...]

    @property
    def said(self) -> str:
        """What must be said of the data."""
        unknown = f" Not asked, so not kept out: {', '.join(self.unknown)}." if self.unknown else ""
        return " ".join([*self.study.said, self.judged.said]) + unknown

    @property
    def aim(self) -> str:
        """The target inside a sentence."""
        return lowered(self.title(self.target))

    def title(self, name: str) -> str:
        """Name a construct for a reader."""
        return self.judged.model.title(name)


def improvement_on(
    bank: Bank,
    *,
    questionnaire: str = "",
    wave: str = "",
    target: str = "",
    fixed: str = "",
    pool: bool = True,
    resamples: int = 1_000,
    seed: int = 1,
) -> tuple[Improvement | None, str]:
    """Prepare the study, the model that may be read and the ranking of drivers.

    Parameters
    ----------
    bank : Bank
        As of a date.
    questionnaire : str
        Its name or path; empty: that of the bank.
    wave : str
        Wave to judge; empty: the last.
    target : str
        Construct to be raised; empty: satisfaction, else loyalty.
    fixed : str
        Constructs that nobody raises by working on them, with commas between; shown, not ranked.
    pool : bool
        Take effects from all waves together where they are alike; else from the judged one.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of (Improvement or None, str)
        None, and why, where the bank's answers do not carry a path model. What was typed wrongly is refused.
    """
    known = {"questionnaire": questionnaire, "wave": wave, "resamples": resamples, "seed": seed}
    if wave or questionnaire:
        study, why = study_on(bank, **known), ""
    else:
        study, why = tried(study_on, bank, **known)
    if study is None:
        return None, why
    names = study.model.constructs
    if target and (target not in names or target not in study.model.effects):
        refuse(
            f"target {target!r} is nothing that others act on.{nearest(target, study.model.effects)} Known: "
            f"{list(study.model.effects)}."
        )
    return tried(_ranked, study, target, fixed, pool, resamples, seed)


def _ranked(study: Study, target: str, fixed: str, pool: bool, resamples: int, seed: int) -> Improvement:
    judged = told_apart(study, pool=pool, resamples=resamples, seed=seed)
    low, high = study.scale
    wanted = [target or study.target, *(name for name in _OUTCOMES if name in study.model.constructs)]
    outcomes = tuple(dict.fromkeys(one for name in wanted for one in construct_with(judged.model, [name], study.model)))
    outcomes = tuple(name for name in outcomes if name in judged.model.effects)
    if not outcomes:
        refuse(f"{wanted[0]}: joined with what acts on it, it has no driver left. Ask other items.")
    kept, unknown = fixed_in(judged.model, fixed, study.model)
    if outcomes[0] != _OUTCOMES[0]:  # satisfaction acts on loyalty, but is not what a budget is spent on
        kept += tuple(name for name in outcomes[1:] if name not in kept)
    ranked = priorities(judged, outcomes[0], low=low, high=high, fixed=kept)
    index = index_of(study, judged)
    asked = _now(study, study.index)[wanted[0]]
    return Improvement(study, judged, ranked, outcomes[0], outcomes, index, _now(study, index), asked, unknown)


def _now(study: Study, index: SatisfactionIndex) -> dict[str, Estimate]:
    """Index of every construct at the judged wave."""
    table = index.index(study.now, weights="weight", clusters="customer_id")
    return {
        row["latent"]: Estimate(row["index"], "index", row["index_low"], row["index_high"], row["n"], METHOD)
        for row in table.to_dict("records")
    }
