"""Comments in surveys: themes tied to what happened to the customer and what the customer thinks, put into words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.simulation.comment_texts import CLOSINGS, FILLERS, OPENINGS, SENTENCES, THEMES
from crmlab.simulation.customers import People
from crmlab.simulation.opinions import LATENTS
from crmlab.simulation.relation import Relation

__all__ = ["LANGUAGES", "Comments", "about_the_bank", "after_contacts"]

LANGUAGES = ("en", "zh")
_THEME = {name: code for code, name in enumerate(THEMES)}
_LATENT = {name: position for position, name in enumerate(LATENTS)}
# The latent variable that decides whether a comment on a theme is friendly; themes with one tone only are not here.
_JUDGED_BY = {
    "fees": "value", "rates": "value", "app": "product_quality", "products": "product_quality",
    "waiting": "handling_efficiency", "staff": "service_attitude", "branch": "service_attitude",
    "advice": "service_attitude",
}  # fmt: skip
_SECOND_THEME = 0.3  # share of comments with a second theme (assumed)


@dataclass
class Comments:
    """Comments as they were written: texts, up to two themes each (-1 for none) and their tones (-1, 0, 1)."""

    text: np.ndarray
    theme: np.ndarray
    tone: np.ndarray


def about_the_bank(
    rng: np.random.Generator, people: People, relation: Relation, who: np.ndarray, chinese: np.ndarray
) -> Comments:
    """Write comments on the bank as a whole.

    Parameters
    ----------
    who : array of int
        Positions of those who comment.
    chinese : array of bool
        Who writes Chinese; the others write English.

    Returns
    -------
    Comments
        Fees come up after fee rises, outages after breakdowns, the handling of complaints after complaints; the rest
        by what the customer thinks, and by habits: app or branch.
    """
    latents, fresh = relation.latents[who], relation.fresh[who]
    low = np.maximum(-latents, 0)
    digital, complained = people.digital[who], relation.grievance[who] > 0.15
    weight = _weights(
        len(who),
        fees=0.3 + 12 * np.maximum(-fresh[:, _LATENT["value"]] - 0.1, 0) + 0.5 * low[:, _LATENT["value"]],
        rates=0.3 + 0.4 * people.price[who],
        app=1.0 * digital,
        outage=15 * np.maximum(-fresh[:, _LATENT["product_quality"]] - 0.15, 0),
        waiting=0.3 + 0.8 * low[:, _LATENT["handling_efficiency"]],
        complaint_handling=5.0 * complained,
        staff=0.7,
        branch=0.8 * (1 - digital),
        advice=0.3,
        products=0.4,
        praise=1.2 * np.maximum(latents[:, _LATENT["satisfaction"]], 0),
        switching=1.0 * np.maximum(low[:, _LATENT["loyalty"]] - 0.5, 0),
        suggestion=0.3,
    )
    mood = latents + 0.5 * rng.standard_normal((len(who), 1))
    tones = np.zeros((len(who), len(THEMES)), dtype=np.int8)
    for theme, latent in _JUDGED_BY.items():
        tones[:, _THEME[theme]] = np.where(mood[:, _LATENT[latent]] > 0, 1, -1)
    tones[fresh[:, _LATENT["value"]] < -0.25, _THEME["fees"]] = -1
    well_handled = fresh[:, _LATENT["handling_efficiency"]] > -0.5
    tones[:, _THEME["complaint_handling"]] = np.where(well_handled, 1, -1)
    return _write(rng, weight, tones, chinese)


def after_contacts(
    rng: np.random.Generator, score: np.ndarray, facts: dict[str, np.ndarray], chinese: np.ndarray
) -> Comments:
    """Write comments on contacts.

    Parameters
    ----------
    score : array of int
        Answers on the scale 0 to 10; those from 8 on are friendly, those up to 6 are not.
    facts : dict of str to array of bool
        Of each contact: ``complaint``, ``advice``, ``branch``, ``app``, ``waited``, ``outage``, ``fees``.
    chinese : array of bool
        Who writes Chinese.
    """
    size = len(score)
    friendly = np.where(score >= 8, 1, np.where(score <= 6, -1, np.where(rng.random(size) < 0.5, 1, -1)))
    weight = _weights(
        size,
        waiting=0.5 + 2.0 * facts["waited"],
        complaint_handling=4.0 * facts["complaint"],
        staff=1.2 - 0.6 * facts["app"],
        branch=0.6 * facts["branch"],
        advice=3.0 * facts["advice"],
        app=0.8 * facts["app"],
        outage=3.0 * facts["outage"] * (friendly < 0),
        fees=3.0 * facts["fees"] * (friendly < 0),
    )
    tones = np.repeat(friendly[:, None], len(THEMES), axis=1).astype(np.int8)
    return _write(rng, weight, tones, chinese)


def _weights(size: int, **by_theme: np.ndarray | float) -> np.ndarray:
    weight = np.zeros((size, len(THEMES)))
    for theme, values in by_theme.items():
        weight[:, _THEME[theme]] = values
    return weight


def _write(rng: np.random.Generator, weight: np.ndarray, tones: np.ndarray, chinese: np.ndarray) -> Comments:
    """Choose one or two themes by their weights, then sentences."""
    size = len(weight)
    for theme, only in (("outage", -1), ("praise", 1), ("switching", -1), ("suggestion", 0)):
        tones[:, _THEME[theme]] = only
    with np.errstate(divide="ignore"):
        order = np.argsort(-(np.log(weight) + rng.gumbel(size=weight.shape)), axis=1, kind="stable")
    theme = order[:, :2].copy()
    second = (rng.random(size) < _SECOND_THEME) & (np.take_along_axis(weight, theme, axis=1)[:, 1] > 0)
    tone = np.take_along_axis(tones, theme, axis=1)
    # nobody praises the bank and announces to leave it in one breath
    second &= ~((np.abs(tone).sum(axis=1) == 2) & (tone.sum(axis=1) == 0) & (np.isin(theme, _STRONG).any(axis=1)))
    theme[~second, 1], tone[~second, 1] = -1, 0
    picks = rng.random((size, 8))
    rows = zip(theme.tolist(), tone.tolist(), chinese.tolist(), picks.tolist(), strict=True)
    text = np.empty(size, dtype=object)
    text[:] = [_compose(*row) for row in rows]
    return Comments(text, theme.astype(np.int8), tone)


_STRONG = [_THEME["praise"], _THEME["switching"]]


def _compose(theme: list[int], tone: list[int], chinese: bool, picks: list[float]) -> str:
    """Join an opening, one or two sentences and a closing in one language.

    >>> _compose([THEMES.index("outage"), -1], [-1, 0], False, [0.9, 0, 0, 0, 0, 0, 0.9, 0])
    'Online banking was down when I had to pay my rent.'
    >>> _compose([THEMES.index("waiting"), THEMES.index("staff")], [1, 1], True, [0.1, 0, 0, 0, 0, 0, 0.9, 0])
    '谢谢！我的业务当天就办好了。工作人员非常热情，业务也熟练。'
    """
    language = LANGUAGES[chinese]
    opening = OPENINGS[tone[0]][language]
    text = opening[int(picks[1] * len(opening))] if picks[0] < 0.25 else ""
    for position, code in enumerate(theme):
        if code < 0:
            continue
        choice = SENTENCES[THEMES[code], tone[position]][language]
        sentence = choice[int(picks[2 + position] * len(choice))]
        for word, options in FILLERS[language].items():
            sentence = sentence.replace(f"{{{word}}}", options[int(picks[4 + position] * len(options))])
        if language == "en":
            joint = " " if position else ""
            # after ", but " a sentence goes on; after a full stop it begins
            begins = not text or text.rstrip()[-1] in ".!:"
            sentence = joint + (sentence[0].upper() + sentence[1:] if begins or sentence.startswith("I ") else sentence)
        text += sentence
    closing = CLOSINGS[tone[0]][language]
    same = tone[1] in (0, tone[0])  # a closing that contradicts the second sentence is left out
    return text + (closing[int(picks[7] * len(closing))] if picks[6] < 0.15 and same else "")
