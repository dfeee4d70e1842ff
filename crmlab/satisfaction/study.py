"""One study of satisfaction: the answers with weights and groups, the frozen index, the path model and its gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.errors import nearest, refuse
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.measurement.measured import Measured, measured
from crmlab.satisfaction.measurement.validity import Gate, validity_gate
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.survey.answers import Answers, answers_on, questionnaire_of, wave_name
from crmlab.satisfaction.survey.groups import GROUPS, NOT_KNOWN, customers_at, group_title, wave_days, with_groups
from crmlab.satisfaction.survey.weighting import design_effect, effective_n, rake
from crmlab.stats import count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["WEIGHED_BY", "Study", "study_on"]

WEIGHED_BY = ("age_band", "tenure_band", "assets_quarter", "main_channel")  # margins known of every customer
_FEWEST = 10  # respondents of a category, for its margin to be met
_BOUNDS = (0.2, 5.0)  # weights as multiples of the mean: one respondent must not speak for many
_SATISFACTION = ("satisfaction", "loyalty")


@dataclass(frozen=True)
class Study:
    """What the notebooks on satisfaction start from.

    Parameters
    ----------
    answers : Answers
        All waves as they were answered.
    frame : DataFrame
        The same, one row a response, with groups (see `crmlab.satisfaction.survey.groups.GROUPS`) and ``weight``: the
        survey's own, raked to what the bank knows of every customer at the wave.
    waves : tuple of str
        Waves in order.
    wave, base_wave : str
        The wave that is judged (the last), and that at which the index was frozen.
    model : PathModel
        Latent variables, items and paths of the questionnaire.
    index : SatisfactionIndex
        With its weights of the base wave.
    found : Measured
        The path model of the judged wave and of its resamples.
    gate : Gate
        Which latent variables can be told apart.
    design_effects : dict of str to float
        Kish's design effect of the weights of each wave.
    said : tuple of str
        What must be said of answers and weights.
    """

    answers: Answers
    frame: pd.DataFrame
    waves: tuple[str, ...]
    wave: str
    base_wave: str
    model: PathModel
    index: SatisfactionIndex
    found: Measured
    gate: Gate
    design_effects: dict[str, float]
    said: tuple[str, ...]

    @property
    def now(self) -> pd.DataFrame:
        """Responses of the judged wave."""
        return self.of(self.wave)

    @property
    def when(self) -> str:
        """Time of the judged wave, for a sentence."""
        return wave_name(self.wave)

    @property
    def scale(self) -> tuple[int, int]:
        """Lowest and highest answer."""
        return self.answers.scale

    @property
    def target(self) -> str:
        """What is to be raised: satisfaction where the model has it, else loyalty, else what nothing else follows."""
        names = self.found.solution.model.constructs
        ends = [name for name in names if name not in {c for causes in self.model.paths.values() for c in causes}]
        return next((name for name in (*_SATISFACTION, *ends) if name in names), names[-1])

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that this bank has."""
        return tuple(name for name in (*GROUPS, "segment") if name in self.frame)

    @property
    def day(self) -> str:
        """Day on which the judged wave began, YYYY-MM-DD."""
        return wave_days(self.answers)[self.wave].isoformat()

    def with_segments(self, segments: pd.Series | None) -> Study:
        """Give the same study with a segment of each customer as a further group.

        Parameters
        ----------
        segments : Series of str or None
            By ``customer_id``; None where there are none, which is then the reason given for no groups by segment.
        """
        if segments is None:
            frame = self.frame.copy()
            why = {"segment": "what customers do gives no stable segments"}
        else:
            named = self.frame["customer_id"].map(segments).astype("str")
            frame, why = self.frame.assign(segment=named.where(named.notna(), NOT_KNOWN)), {}
        frame.attrs = {**self.frame.attrs, "absent": self.frame.attrs.get("absent", {}) | why}
        return replace(self, frame=frame)

    def of(self, wave: str) -> pd.DataFrame:
        """Give the responses of one wave.

        Parameters
        ----------
        wave : str
            One of `waves`.
        """
        if wave not in self.waves:
            refuse(f"wave {wave!r} is not in this study.{nearest(wave, self.waves)} It has {list(self.waves)}.")
        return self.frame[self.frame["wave"] == wave].reset_index(drop=True)

    def title(self, name: str) -> str:
        """Name a construct for a reader."""
        return self.model.title(name)


def study_on(
    bank: Bank,
    *,
    questionnaire: Questionnaire | str = "",
    occasion: str = "yearly",
    wave: str = "",
    base_wave: str = "",
    kept: Mapping | None = None,
    segments: pd.Series | None = None,
    weigh_by: Sequence[str] = WEIGHED_BY,
    resamples: int = 1_000,
    seed: int = 1,
) -> Study:
    """Read a bank's survey and prepare all that the questions on satisfaction share.

    Parameters
    ----------
    bank : Bank
        As of a date: later answers are not seen.
    questionnaire : Questionnaire or str
        What was asked, or its name or path; empty: the one that the bank names or whose items it holds.
    occasion : str
        First word of the waves.
    wave : str
        Wave to judge; empty: the last.
    base_wave : str
        Wave at which the index is frozen; empty: the first that has twenty responses an item of the largest equation.
    kept : mapping, optional
        An index frozen by an earlier run (`SatisfactionIndex.as_dict`); then `base_wave` says nothing.
    segments : Series of str, optional
        A segment of each customer, as in `crmlab.satisfaction.survey.groups.with_groups`.
    weigh_by : sequence of str
        Groups whose sizes among all customers the weights shall meet. A group with a category that under 10 answered
        in is left out, and said.
    resamples, seed : int
        Of the bootstrap; whole customers are drawn.

    Notes
    -----
    Weights mend what the groups explain. That satisfied people answer more often than others of the same age, tenure,
    wealth and channel is not among it.
    """
    asked = read_questionnaire(questionnaire) if isinstance(questionnaire, str) and questionnaire else questionnaire
    answers = answers_on(bank, asked or questionnaire_of(bank), occasion=occasion)
    model = PathModel.from_questionnaire(answers.questionnaire)
    waves = tuple(answers.waves)
    judged = wave or waves[-1]
    refuse(
        *(
            f"{what} {name!r} is not a wave of {occasion!r}.{nearest(name, waves)} Known: {list(waves)}."
            for what, name in (("wave", judged), ("base_wave", base_wave))
            if name and name not in waves
        )
    )
    grouped = with_groups(answers, bank, by=list(dict.fromkeys([*GROUPS, *weigh_by])), segments=segments)
    frame, effects, told = _weighed(bank, answers, grouped, [name for name in weigh_by if name in grouped])
    said = [answers.said, *told]
    low, high = answers.scale
    if kept is not None:
        index, base = SatisfactionIndex.from_dict(kept), "kept"
    else:
        base = base_wave or next((one for one in waves if _is_large_enough(frame, one, model)), judged)
        index = SatisfactionIndex(model, low=low, high=high).fit(frame[frame["wave"] == base], weights="weight")
    now = frame[frame["wave"] == judged].reset_index(drop=True)
    found = measured(now, model, weights="weight", clusters="customer_id", resamples=resamples, seed=seed)
    return Study(answers, frame, waves, judged, base, model, index, found, validity_gate(found), effects, tuple(said))


def _is_large_enough(frame: pd.DataFrame, wave: str, model: PathModel) -> bool:
    widest = max((len(causes) for causes in model.paths.values()), default=1)
    return int((frame["wave"] == wave).sum()) >= 20 * widest


def _weighed(
    bank: Bank, answers: Answers, grouped: pd.DataFrame, columns: list[str]
) -> tuple[pd.DataFrame, dict[str, float], list[str]]:
    """Rake the weights of every wave to the sizes of the same groups among all customers there when it began."""
    everybody = {wave: _groups_of_all(bank, answers, wave, columns) for wave in answers.waves}
    parts = {wave: grouped[grouped["wave"] == wave] for wave in answers.waves}
    names = {name: _joined(name, parts, everybody) for name in columns}
    used = [name for name in columns if names[name] is not None]
    weights, effects = [], {}
    for wave, part in parts.items():
        base = part["weight"]
        if used and base.gt(0).all():
            plain = pd.DataFrame({name: part[name].astype("str").map(names[name]) for name in used})
            sizes = {name: everybody[wave][name].astype("str").map(names[name]).value_counts() for name in used}
            raked = rake(plain, sizes, weights=base, bounds=_BOUNDS).weights
            base = raked / raked.mean()
        weights.append(base)
        counted = base[base > 0]
        effects[wave] = design_effect(counted) if len(counted) else float("nan")
    frame = grouped.assign(weight=pd.concat(weights).reindex(grouped.index))
    said = []
    if used:
        last = frame.loc[(frame["wave"] == answers.waves[-1]) & (frame["weight"] > 0), "weight"]
        said.append(
            f"Weights of every wave meet the sizes of {', '.join(map(group_title, used))} among all customers; the "
            f"{count_text(len(last))} responses of {answers.waves[-1]} say as much as "
            f"{count_text(effective_n(last))} of equal weight."
        )
    unused = [name for name in columns if name not in used]
    if unused:
        said.append(
            f"Weights do not use {', '.join(map(group_title, unused))}: one category, or too few answered in some."
        )
    return frame, effects, said


def _joined(
    name: str, parts: Mapping[str, pd.DataFrame], everybody: Mapping[str, pd.DataFrame]
) -> dict[str, str] | None:
    """Name each category for the weights: those in which under ten answered in some wave are one; None: no use."""
    answered = pd.DataFrame({wave: part[name].astype("str").value_counts() for wave, part in parts.items()})
    there = pd.DataFrame({wave: all_[name].astype("str").value_counts() for wave, all_ in everybody.items()})
    least = answered.reindex(there.index.union(answered.index)).fillna(0).min(axis=1).sort_values(kind="stable")
    rare = list(least.index[least < _FEWEST])
    while rare and answered.reindex(rare).fillna(0).sum().min() < _FEWEST and len(rare) < len(least):
        rare = list(least.index[: len(rare) + 1])
    if len(least) - len(rare) + bool(rare) < 2 or (rare and len(rare) == len(least)):
        return None
    return {category: "others" if category in rare else category for category in least.index}


def _groups_of_all(bank: Bank, answers: Answers, wave: str, columns: list[str]) -> pd.DataFrame:
    """Give the groups of every customer there when a wave began."""
    if not columns:
        return pd.DataFrame()
    there = customers_at(bank, answers, wave, features=[])
    row = answers.of(wave).head(1)
    everybody = pd.DataFrame({"customer_id": there.index, "wave": wave, "answered_on": row["answered_on"].iloc[0]})
    stand_in = Answers(everybody, answers.questionnaire, answers.occasion, {}, "")
    return with_groups(stand_in, bank, by=columns)
