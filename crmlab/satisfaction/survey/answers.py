"""From a bank's survey to the frame that is analysed: one row a response, one column an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.questionnaire import Questionnaire
from crmlab.bank.questionnaire_choice import questionnaire_of
from crmlab.errors import nearest, refuse
from crmlab.stats import count_text, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Answers", "answers_on", "comments_on", "questionnaire_of", "wave_name"]

_KEYS = ["response_id", "customer_id", "wave", "answered_on", "weight", "language"]
_SATISFACTION = "satisfaction"  # latent variable that says how content the writer of a comment is


@dataclass(frozen=True)
class Answers:
    """The answers to one occasion of a questionnaire, ready for analysis.

    Parameters
    ----------
    frame : DataFrame
        One row a response, by wave, day and number: ``response_id``, ``customer_id``, ``wave`` (str), ``answered_on``
        (datetime64), ``weight`` (float, 1 where the wave has none), ``language`` (str); then the items, float64 on
        their scale, NaN where nothing was answered. Reversed items are turned round: a higher number always means more
        of the latent variable.
    questionnaire : Questionnaire
        What was asked.
    occasion : str
        First word of the waves.
    left_out : dict of str to int
        What is not in the frame, by reason: ``responses without an answer``, ``earlier responses of the same wave``
        (responses), ``answers outside the scale`` (answers).
    said : str
        Two or three sentences: responses, waves, answers missing, what was left out, what was turned round.
    """

    frame: pd.DataFrame
    questionnaire: Questionnaire
    occasion: str
    left_out: dict[str, int] = field(repr=False)
    said: str

    @property
    def scale(self) -> tuple[int, int]:
        """Lowest and highest answer to the items of latent variables."""
        return self.questionnaire.scale.low, self.questionnaire.scale.high

    @property
    def items(self) -> list[str]:
        """Codes of the items of latent variables that are in the frame, in the questionnaire's order."""
        return [code for code in self.questionnaire.latent_of if code in self.frame]

    @property
    def single_items(self) -> list[str]:
        """Codes of the other scored items that are in the frame (recommendation, satisfaction with a contact)."""
        return [code for code in self.questionnaire.single_items if code in self.frame]

    @property
    def waves(self) -> list[str]:
        """Waves in the order in which they were answered."""
        return self.frame.groupby("wave")["answered_on"].min().sort_values(kind="stable").index.tolist()

    def of(self, wave: str) -> pd.DataFrame:
        """Return the rows of one wave.

        Parameters
        ----------
        wave : str
            One of `waves`.
        """
        refuse(*_unknown_waves([wave], self.waves, self.occasion))
        return self.frame[self.frame["wave"] == wave].reset_index(drop=True)


def answers_on(
    bank: Bank,
    questionnaire: Questionnaire | None = None,
    *,
    occasion: str = "yearly",
    waves: Sequence[str] | None = None,
) -> Answers:
    """Return the answers that the bank has to one occasion of its survey.

    Parameters
    ----------
    bank : Bank
        As of a date: later answers are not seen.
    questionnaire : Questionnaire, optional
        What was asked; left out, the one that `questionnaire_of` finds.
    occasion : str
        One of the questionnaire's occasions: the first word of column ``wave``.
    waves : sequence of str, optional
        Only these waves; left out, all.

    Returns
    -------
    Answers

    Raises
    ------
    CrmlabError
        There is no survey; the occasion or a wave does not exist; nothing is left to analyse.

    Notes
    -----
    An answer outside the item's scale counts as not given. Of a customer with several responses in a wave of a yearly
    occasion the last is taken. A response without any answer to a scored item is left out. Nothing is imputed: what is
    missing stays missing. A wave without weights counts each response once; a response without a weight in a wave that
    has them gets the mean of its wave.
    """
    asked = questionnaire or questionnaire_of(bank)
    if not bank.has("surveys"):
        questionnaire_of(bank)  # refuses, and says what to bring
    refuse(*_unknown_occasion(asked, occasion))
    there = [wave for (wave,) in bank.sql("select distinct wave from surveys order by wave").fetchall()]
    known = [wave for wave in there if wave.split(" ")[0] == occasion]
    if not known:
        others = sorted({wave.split(" ")[0] for wave in there})
        refuse(
            f"{bank.name} has no wave of the occasion {occasion!r}{f' by {bank.date}' if bank.date else ''}; its waves "
            f"begin with {others}. Choose one."
        )
    wanted = known if waves is None else list(waves)
    refuse(*_unknown_waves(wanted, known, occasion))
    items = [code for code in (asked.asked(occasion) if asked.occasions else asked.items) if code in asked.scales]
    frame, left_out = _cleaned(_wide(bank, wanted, items), asked, occasion, items)
    if not len(frame):
        refuse(
            f"{bank.name}: the {len(wanted)} waves of {occasion!r} hold no answer to an item of {asked.name}. Check "
            "that "
            "the bank names the questionnaire that was asked."
        )
    frame = frame.assign(**{code: sum(asked.scales[code]) - frame[code] for code in items if code in asked.reversed})
    return Answers(frame, asked, occasion, left_out, _said(frame, asked, items, wanted, left_out))


def _unknown_occasion(asked: Questionnaire, occasion: str) -> list[str]:
    if not asked.occasions or occasion in asked.occasions:
        return []
    return [
        f"occasion {occasion!r} is not one of {asked.name}.{nearest(occasion, asked.occasions)} Known: "
        f"{list(asked.occasions)}."
    ]


def _unknown_waves(wanted: Sequence[str], known: Sequence[str], occasion: str) -> list[str]:
    return [
        f"wave {wave!r} is not a wave of {occasion!r}.{nearest(wave, known)} Known: {list(known)}."
        for wave in dict.fromkeys(wanted)
        if wave not in known
    ]


def _wide(bank: Bank, waves: Sequence[str], items: Sequence[str]) -> pd.DataFrame:
    """One row a response of some waves, with what was answered as it was answered."""
    has = set(bank.columns("surveys"))
    weight = "max(weight)" if "weight" in has else "null::double"
    language = "max(language)" if "language" in has else "null::varchar"
    cells = "".join(f", max(case when item = {_text(code)} then score end) as {_name(code)}" for code in items)
    return bank.to_frame(
        bank.sql(
            f"select response_id, any_value(customer_id) as customer_id, any_value(wave) as wave, max(answered_at) as"
            f" answered_on, {weight} as weight, {language} as language{cells} from surveys"
            f" where wave in ({', '.join(map(_text, waves))}) group by response_id"
            " order by any_value(wave), max(answered_at), response_id"
        )
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _cleaned(
    frame: pd.DataFrame, asked: Questionnaire, occasion: str, items: list[str]
) -> tuple[pd.DataFrame, dict[str, int]]:
    values = frame[items].astype("float64")
    low = pd.Series({code: asked.scales[code][0] for code in items})
    high = pd.Series({code: asked.scales[code][1] for code in items})
    beyond = values.lt(low, axis=1) | values.gt(high, axis=1)
    frame = frame[_KEYS].join(values.mask(beyond))
    empty = frame[items].isna().all(axis=1)
    frame = frame[~empty]
    is_yearly = occasion not in asked.occasions or asked.occasions[occasion].every == "year"
    again = frame.duplicated(["customer_id", "wave"], keep="last") & is_yearly
    frame = frame[~again].reset_index(drop=True)
    mean = frame.groupby("wave")["weight"].transform("mean")
    left_out = {
        "responses without an answer": int(empty.sum()),
        "earlier responses of the same wave": int(again.sum()),
        "answers outside the scale": int(beyond.to_numpy().sum()),
    }
    return frame.assign(
        answered_on=frame["answered_on"].dt.normalize(),
        weight=frame["weight"].fillna(mean).fillna(1.0).astype("float64"),
    ), left_out


def _said(
    frame: pd.DataFrame, asked: Questionnaire, items: list[str], waves: Sequence[str], left_out: dict[str, int]
) -> str:
    empty = [code for code in items if frame[code].isna().all()]
    filled = [code for code in items if code not in empty]
    share = float(frame[filled].isna().to_numpy().mean())
    found = frame["wave"].nunique()
    said = [
        f"{_counted(len(frame), 'response')} of {_counted(frame['customer_id'].nunique(), 'customer')} in "
        f"{_counted(found, 'wave')} to {_counted(len(filled), 'item')}; {share_text(share)} of the answers are missing."
    ]
    silent = sorted({*waves} - {*frame["wave"]})
    if silent:
        said.append(f"Without a response: {', '.join(silent)}.")
    if empty:
        said.append(f"Never answered: {', '.join(empty)}.")
    gaps = frame.groupby("wave")[filled].agg(lambda column: column.isna().all())
    for wave, row in gaps.iterrows():
        if row.any():
            said.append(f"Not answered in {wave}: {', '.join(row.index[row.astype(bool)])}.")
    out = [f"{reason} ({count_text(count)})" for reason, count in left_out.items() if count]
    if out:
        said.append(f"Left out: {', '.join(out)}.")
    turned = [code for code in filled if code in asked.reversed]
    if turned:
        said.append(f"Turned round: {', '.join(turned)}.")
    return " ".join(said)


def _counted(number: int, noun: str) -> str:
    return f"{count_text(number)} {noun}" if number == 1 else f"{count_text(number)} {noun}s"


def wave_name(wave: str) -> str:
    """Shorten the name of a wave to its time.

    Parameters
    ----------
    wave : str
        As in the survey.

    Examples
    --------
    >>> wave_name("yearly 2025"), wave_name("spring")
    ('2025', 'spring')
    """
    return wave.partition(" ")[2] or wave


def comments_on(
    bank: Bank,
    questionnaire: Questionnaire | None = None,
    *,
    occasion: str | None = None,
    waves: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return what customers wrote, with how content the writer was.

    Parameters
    ----------
    bank : Bank
        As of a date: later comments are not seen.
    questionnaire : Questionnaire, optional
        What was asked; left out, the one that `questionnaire_of` finds.
    occasion : str, optional
        Only waves that begin with this word.
    waves : sequence of str, optional
        Only these waves.

    Returns
    -------
    DataFrame
        One row a comment: ``response_id``, ``customer_id``, ``wave``, ``answered_on``, ``language``, ``item``,
        ``comment``, ``score`` (points on its scale; NaN where nothing was answered) and ``score_of``: the item of
        satisfaction with a contact, else ``satisfaction`` for the mean of the answers to its items in the same
        response. No row where nobody wrote.

    Notes
    -----
    Items of satisfaction that are reversed are turned round. The mean has no weights: it sorts comments, and is not the
    index.
    """
    asked = questionnaire or questionnaire_of(bank)
    if not bank.has("surveys"):
        questionnaire_of(bank)
    refuse(*(_unknown_occasion(asked, occasion) if occasion else []))
    csat = asked.single("csat")
    latent = asked.latents.get(_SATISFACTION)
    names = ["response_id", "customer_id", "wave", "answered_on", "language", "item", "comment", "score", "score_of"]
    if "comment" not in bank.columns("surveys"):
        return pd.DataFrame({name: pd.Series(dtype="str") for name in names})
    language = "language" if "language" in bank.columns("surveys") else "null::varchar as language"
    chosen = [f"and split_part(wave, ' ', 1) = {_text(occasion)}"] if occasion else []
    chosen += [f"and wave in ({', '.join(map(_text, waves)) or 'null'})"] if waves is not None else []
    written = bank.to_frame(
        bank.sql(
            f"select response_id, customer_id, wave, answered_at as answered_on, {language}, item,"
            f" trim(comment) as comment from surveys"
            f" where trim(comment) <> '' {' '.join(chosen)} order by wave, answered_at, response_id, item"
        )
    )
    written = written.assign(answered_on=written["answered_on"].dt.normalize())
    items = [*([csat] if csat else []), *(latent.items if latent else [])]
    waves_there = written["wave"].unique().tolist()
    if not items or not waves_there:
        return written.assign(score=float("nan"), score_of="")[names]
    answers = _wide(bank, waves_there, items).set_index("response_id")[items]
    answers = answers.reindex(written["response_id"])
    for code in items:
        low, high = asked.scales[code]
        kept = answers[code].where(answers[code].between(low, high))
        answers[code] = low + high - kept if code in asked.reversed else kept
    score = answers[list(latent.items)].mean(axis=1) if latent else pd.Series(float("nan"), index=answers.index)
    score_of = pd.Series(_SATISFACTION, index=answers.index).where(score.notna(), "")
    if csat:
        score, score_of = answers[csat].fillna(score), score_of.where(answers[csat].isna(), csat)
    return written.assign(score=score.to_numpy(float), score_of=score_of.to_numpy())[names]
