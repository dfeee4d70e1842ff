"""Table `surveys`: yearly waves and questions after contacts, answered by some; scores follow from latent variables."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.errors import refuse
from crmlab.simulation.clock import DAY, Month, generator
from crmlab.simulation.columns import arrow_table, ids, times, words
from crmlab.simulation.comments import LANGUAGES, about_the_bank, after_contacts
from crmlab.simulation.customers import People
from crmlab.simulation.interactions import INTERACTION_KINDS, TOPIC_WORDS
from crmlab.simulation.ledger import CHANNEL_CODES
from crmlab.simulation.opinions import LATENTS, PATHS
from crmlab.simulation.relation import DYING, Relation
from crmlab.simulation.scene import seconds

__all__ = ["MEASURES", "Fieldwork", "items_of", "parameters", "surveys_table"]

# Item: answer of a customer with an average opinion, points a standard deviation of the latent variable, standard
# deviation of the error. Means, spreads and correlations near those of 250 customers of a Spanish bank (means 6.4 to
# 8.1, standard deviations 1.5 to 2.7, correlations within a latent variable .5 to .7). The first items, whose points
# are the unit of the path model, lie at one height: some 3 in 100 of their answers would lie above 10, and cutting
# these off moves no coefficient in points by more than about .01 (66,000 responses; the intervals of 1,200 responses
# reach .09 to .2 to each side).
MEASURES = {
    "image1": (7.0, 1.35, 1.0), "image2": (7.5, 1.25, 1.1), "image3": (6.9, 1.40, 1.2), "image4": (6.5, 1.45, 1.4),
    "expect1": (7.0, 1.40, 1.1), "expect2": (7.3, 1.45, 1.3), "expect3": (7.2, 1.45, 1.2),
    "product1": (7.1, 1.40, 1.1), "product2": (7.3, 1.40, 1.3), "product3": (6.6, 1.45, 1.3),
    "product4": (6.5, 1.35, 1.3),
    "attitude1": (7.2, 1.40, 1.0), "attitude2": (7.0, 1.45, 1.1), "attitude3": (7.2, 1.30, 1.1),
    "attitude4": (6.3, 1.45, 1.4),
    "handling1": (7.0, 1.45, 1.1), "handling2": (6.6, 1.50, 1.3), "handling3": (6.7, 1.40, 1.3),
    "handling4": (6.5, 1.45, 1.3),
    "value1": (7.1, 1.40, 1.1), "value2": (6.5, 1.50, 1.3), "value3": (6.8, 1.35, 1.3),
    "satisf1": (7.0, 1.45, 0.9), "satisf2": (6.9, 1.45, 1.0), "satisf3": (6.5, 1.50, 1.1),
    "loyal1": (6.9, 1.45, 1.1), "loyal2": (7.4, 1.45, 1.2), "loyal3": (6.8, 1.55, 1.5),
}  # fmt: skip
_NPS = ("loyalty", 7.6, 1.60, 1.3)  # asks more of customers than staying does, and divides them more
# Answer after a contact: mean, loadings, error; then what the contact itself did (see `_csat`).
_CSAT = (7.5, {"satisfaction": 0.4, "service_attitude": 0.4, "handling_efficiency": 0.5}, 1.2)
_LEFT_OUT = {"expectations": 0.02}  # share of answers left out, by latent variable; else:
_LEFT_OUT_ELSE = 0.012
_WAVE_MONTH = 3  # invited in March, reminded in April
_INCLUDED = (0.75, 1.0)  # share invited, of customers without and with their income here
# Log odds of answering the first letter: constant, image, ten years of age, engagement, main bank. Who thinks well of
# the bank answers more often, so the raw index is too good. With the reminder about three in ten answer (assumed; mail
# and e-mail surveys of bank customers reach 10 to 40 %).
_ANSWERS = {"constant": -1.45, "image": 0.25, "age_decade": 0.10, "engagement": 0.35, "is_main": 0.35}
_REMINDER = -0.6  # log odds against the first letter
_AFTER_CONTACT = {"asked": 0.6, "answers": 0.25}  # share asked, share of these that answers on average
_TAKEN = {"begin": 20.0, "item": 7.0, "comment": 35.0}  # seconds of a customer who reads at the usual pace (assumed)
_PACE = 0.3  # standard deviation of the logarithm of the pace
_OCCASIONS = ("yearly", "contact", "complaint")
_CHINESE = 0.2  # share of customers who answer in Chinese


@cache
def _questionnaire() -> Questionnaire:
    """Read the questionnaire, and refuse one that this simulation has no numbers for."""
    one = read_questionnaire("retail_bank")
    known = {target: sorted(sources) for target, sources in PATHS.items()}
    wanted = {target: sorted(sources) for target, sources in one.paths.items()}
    refuse(
        *(
            f"retail_bank.yml has the {what} {there}, the simulation has {here}. Change both together."
            for what, there, here in (
                ("latent variables", list(one.latents), list(LATENTS)),
                ("paths", wanted, known),
                ("items of latent variables", sorted(one.latent_of), sorted(MEASURES)),
                ("single items", sorted(one.single_items), ["comment", "csat", "nps"]),
            )
            if there != here
        )
    )
    return one


@cache
def _loadings() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intercepts, loadings (items by latent variables) and errors of the items of the yearly wave."""
    one = _questionnaire()
    rows = [(one.latent_of[code], *MEASURES[code]) for code in one.latent_of] + [_NPS]
    loading = np.zeros((len(rows), len(LATENTS)))
    for row, (latent, _, points, _) in enumerate(rows):
        loading[row, LATENTS.index(latent)] = points
    return np.array([row[1] for row in rows]), loading, np.array([row[3] for row in rows])


def items_of(latent: str) -> dict[str, int]:
    """Return the items of a latent variable, and the code of each in the rows of `Fieldwork.run`.

    >>> items_of("expectations")
    {'expect1': 4, 'expect2': 5, 'expect3': 6}
    """
    latent_of = _questionnaire().latent_of
    return {code: at for at, code in enumerate(latent_of) if latent_of[code] == latent}


class Fieldwork:
    """The surveys of one block: who is asked, who answers and when; answers on the way arrive in a later month."""

    def __init__(self) -> None:
        self.responses = 0
        self._on_the_way: list[dict[str, np.ndarray]] = []

    def run(
        self,
        seed: int,
        block: int,
        month: Month,
        people: People,
        relation: Relation,
        n: int,
        contacts: dict[str, np.ndarray],
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Ask and collect the answers of one month.

        Parameters
        ----------
        contacts : dict of str to array
            Rows of table `interactions` of this month.

        Returns
        -------
        rows, themes : dict of str to array
            Rows for `surveys_table`; true theme and tone of each comment, for the truth.
        """
        rng, pen = (generator(seed, block, month.number, topic) for topic in ("surveys", "comments"))
        is_new = relation.writes_chinese[:n] < 0
        relation.writes_chinese[:n] = np.where(is_new, rng.random(n) < _CHINESE, relation.writes_chinese[:n])
        found = [*self._on_the_way, _yearly(rng, pen, month, people, relation, n)]
        found.append(_after_contacts(rng, pen, month, people, relation, contacts))
        answers = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        later = answers["answered"] >= (month.last + 1) * DAY
        self._on_the_way = [{name: values[later] for name, values in answers.items()}]
        here = ~later & (relation.left[answers["customer"]] > answers["answered"] // DAY)
        order = np.flatnonzero(here)
        order = order[np.lexsort((answers["customer"][order], answers["answered"][order]))]
        answers = {name: values[order] for name, values in answers.items()}
        answers["took"] = _seconds_taken(generator(seed, block, month.number, "survey_times"), answers)
        serial = self.responses + np.arange(len(order))
        self.responses += len(order)
        return _rows(answers, serial), _themes(answers, serial, month.number)


def _yearly(rng, pen, month: Month, people: People, relation: Relation, n: int) -> dict[str, np.ndarray]:
    """Invite in one month and remind in the next; `relation.asked` is the share invited of the customer's stratum."""
    u = rng.random((2, n))
    asked = relation.asked[:n]
    first = month.of_year == _WAVE_MONTH
    if first:
        there = (relation.status[:n] < DYING) & (people.joined[:n] < month.first - 90)
        share = np.where(relation.has_income[:n], _INCLUDED[1], _INCLUDED[0])
        asked[:] = np.where(there & (u[0] < share), share, 0.0)
    elif month.of_year != _WAVE_MONTH + 1:
        return _answers(0)
    odds = _answer_odds(month, people, n) + (0.0 if first else _REMINDER)
    chance = (asked > 0) * (0.1 + 0.9 * relation.fade[:n]) / (1 + np.exp(-odds))
    who = np.flatnonzero((u[1] < chance) & (relation.status[:n] < DYING))
    size = len(who)
    done = _answers(size)
    done["customer"], done["weight"] = who, 1 / asked[who]
    asked[who if first else slice(None)] = 0.0
    done["wave"][:] = month.number if first else month.number - 1
    day = 2 + np.floor((month.days - 3) * rng.beta(1.0, 2.5, size)).astype(np.int64)
    done["answered"] = (month.first + day) * DAY + seconds(rng, size, "day")
    intercept, loading, error = _loadings()
    latents = relation.latents[who]
    score = intercept + latents @ loading.T + error * rng.standard_normal((size, len(error)))
    score = np.clip(np.rint(score), 0, 10)
    left_out = np.array([_LEFT_OUT.get(name, _LEFT_OUT_ELSE) for name in (*_questionnaire().latent_of.values(), "")])
    done["score"][:, : len(error)] = np.where(rng.random(score.shape) < left_out, -1, score)
    done["chinese"] = relation.writes_chinese[who] > 0
    speaks = rng.random(size) < 0.2 + 0.12 * np.abs(latents[:, LATENTS.index("satisfaction")])
    _comment(done, speaks, about_the_bank(pen, people, relation, who[speaks], done["chinese"][speaks]))
    return done


def _answer_odds(month: Month, people: People, n: int) -> np.ndarray:
    """Log odds to answer the first letter of a wave."""
    age = (month.first - people.birth[:n]) / 365.2425
    return (
        _ANSWERS["constant"]
        + _ANSWERS["image"] * people.image[:n]
        + _ANSWERS["age_decade"] * (age - 50) / 10
        + _ANSWERS["engagement"] * (np.minimum(people.engagement[:n], 3) - 1)
        + _ANSWERS["is_main"] * people.is_main[:n]
    )


def _after_contacts(
    rng, pen, month: Month, people: People, relation: Relation, contacts: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Ask after some contacts, one to three days after they are settled."""
    who = contacts["customer"]
    u, delay = rng.random((2, len(who)))
    keen = np.clip(0.7 + 0.3 * people.engagement[who] + 0.1 * people.image[who], 0.3, 1.6)
    share = _AFTER_CONTACT["asked"] * _AFTER_CONTACT["answers"]
    chosen = (u < share * keen) & (contacts["resolved"] < 2**61)
    facts = {name: values[chosen] for name, values in contacts.items()}
    who, delay = who[chosen], delay[chosen]
    size = len(who)
    done = _answers(size)
    done["customer"] = who
    complaint = facts["kind"] == INTERACTION_KINDS.index("complaint")
    done["occasion"][:] = np.where(complaint, 2, 1)
    done["wave"][:] = month.number
    done["answered"] = (facts["resolved"] // DAY + 1 + np.floor(3 * delay).astype(np.int64)) * DAY
    done["answered"] += seconds(rng, size, "day")
    mean, loading, error = _CSAT
    score = mean + error * rng.standard_normal(size) + _what_it_did(facts, complaint)
    for name, points in loading.items():
        score += points * relation.latents[who, LATENTS.index(name)]
    score = np.clip(np.rint(score), 0, 10).astype(np.int8)
    done["score"][:, -1] = score
    done["chinese"] = relation.writes_chinese[who] > 0
    speaks = rng.random(size) < 0.15 + 0.25 * (score <= 5) + 0.2 * complaint
    topic = np.array(TOPIC_WORDS)[facts["topic"]]
    remote = np.isin(facts["channel"], [CHANNEL_CODES["online"], CHANNEL_CODES["mobile"]])
    told = {
        "complaint": complaint,
        "advice": facts["kind"] == INTERACTION_KINDS.index("advice"),
        "branch": facts["channel"] == CHANNEL_CODES["branch"],
        "app": remote,
        "waited": (facts["waiting"] > 20) & ~remote,
        "outage": topic == "outage",
        "fees": topic == "fees",
    }
    told = {name: values[speaks] for name, values in told.items()}
    _comment(done, speaks, after_contacts(pen, score[speaks], told, done["chinese"][speaks]))
    return done


def _what_it_did(contacts: dict[str, np.ndarray], complaint: np.ndarray) -> np.ndarray:
    """Points that a contact itself adds to the answer: its result, the wait, and for complaints the time to settle."""
    hours = (contacts["resolved"] - contacts["opened"]) / 3600
    waited = np.where(contacts["waiting"] < 120, np.clip(contacts["waiting"] - 20, 0, 60), 0)
    result = np.array([0.3, -1.0, -2.6, 0.0, 0.0])[contacts["outcome"]]
    return result - 0.02 * waited - complaint * (1.0 + 0.8 * np.clip(hours / 168 - 0.5, 0, 2.5))


def _seconds_taken(rng, answers: dict[str, np.ndarray]) -> np.ndarray:
    """Draw how long it took to answer: the items asked and the comment, by how fast a customer reads."""
    items = (answers["score"] > -2).sum(axis=1)
    spoke = np.not_equal(answers["text"], None)
    pace = np.exp(_PACE * rng.standard_normal(len(items)))
    return np.rint((_TAKEN["begin"] + _TAKEN["item"] * items + _TAKEN["comment"] * spoke) * pace).astype(np.int64)


def _answers(size: int) -> dict[str, np.ndarray]:
    """Make room for answers of some responses; in `score`, -2 is not asked and -1 left out."""
    return {
        "customer": np.zeros(size, dtype=np.int64),
        "occasion": np.zeros(size, dtype=np.int8),
        "wave": np.zeros(size, dtype=np.int64),  # number of the month
        "answered": np.zeros(size, dtype=np.int64),
        "score": np.full((size, len(MEASURES) + 2), -2, dtype=np.int8),  # items of the path model, nps, csat
        "weight": np.full(size, np.nan),
        "chinese": np.zeros(size, dtype=bool),
        "text": np.full(size, None, dtype=object),
        "theme": np.full((size, 2), -1, dtype=np.int8),
        "tone": np.zeros((size, 2), dtype=np.int8),
    }


def _comment(done: dict[str, np.ndarray], speaks: np.ndarray, comments) -> None:
    for name, values in vars(comments).items():
        done[name][speaks] = values


def _rows(answers: dict[str, np.ndarray], serial: np.ndarray) -> dict[str, np.ndarray]:
    """One row an item asked, and one for the comment where there is one."""
    open_item = answers["score"].shape[1]
    response, item = np.nonzero(answers["score"] > -2)
    spoke = np.flatnonzero(np.not_equal(answers["text"], None))
    score = np.concatenate([answers["score"][response, item], np.full(len(spoke), -1, dtype=np.int8)])
    text = np.concatenate([np.full(len(response), None, dtype=object), answers["text"][spoke]])
    response, item = np.concatenate([response, spoke]), np.concatenate([item, np.full(len(spoke), open_item)])
    order = np.lexsort((item, response))
    response = response[order]
    of_response = ("customer", "occasion", "wave", "answered", "took", "weight", "chinese")
    return {
        "response": serial[response],
        **{name: answers[name][response] for name in of_response},
        "item": item[order].astype(np.int8),
        "score": score[order],
        "text": text[order],
    }


def _themes(answers: dict[str, np.ndarray], serial: np.ndarray, month: int) -> dict[str, np.ndarray]:
    """True themes of the comments, one row a theme."""
    response, place = np.nonzero(answers["theme"] >= 0)
    return {
        "response": serial[response],
        "customer": answers["customer"][response],
        "month": np.full(len(response), month),
        "theme": answers["theme"][response, place],
        "tone": answers["tone"][response, place] + 1,
    }


def surveys_table(rows: dict[str, np.ndarray], number: int) -> pa.Table:
    """Return the rows of table `surveys` of one block.

    Parameters
    ----------
    rows : dict of str to array
        What `Fieldwork.run` returned, all months.
    number : int
        Number of the block.
    """
    items = (*_questionnaire().latent_of, "nps", "csat", "comment")
    wave, of_row = np.unique(3 * rows["wave"] + rows["occasion"], return_inverse=True)
    names = [_wave_name(*divmod(int(code), 3)) for code in wave]
    return arrow_table(
        "surveys",
        {
            "response_id": ids("R", number, rows["response"], 7),
            "customer_id": ids("C", number, rows["customer"], 5),
            "wave": pa.DictionaryArray.from_arrays(pa.array(of_row.astype(np.int32)), pa.array(names, pa.string())),
            "started_at": times(rows["answered"] - rows["took"]),
            "answered_at": times(rows["answered"]),
            "item": words(rows["item"], items),
            "score": pa.array(rows["score"].astype(np.float64), mask=rows["score"] < 0),
            "comment": pa.array(rows["text"], pa.string()),
            "language": words(rows["chinese"].astype(np.int8), LANGUAGES),
            "weight": pa.array(rows["weight"], mask=np.isnan(rows["weight"])),
        },
    )


def _wave_name(month: int, occasion: int) -> str:
    """Name a wave.

    >>> _wave_name(2, 0), _wave_name(16, 1)
    ('yearly 2023', 'contact 2024-05')
    """
    year, before = 2023 + month // 12, month % 12
    return f"{_OCCASIONS[occasion]} {year}" if occasion == 0 else f"{_OCCASIONS[occasion]} {year}-{before + 1:02d}"


def parameters() -> dict[str, dict]:
    """Return loadings, intercepts, errors and the model of non-response, as plain numbers."""
    names = ("intercept", "loading", "error")
    return {
        "items": {code: dict(zip(names, numbers, strict=True)) for code, numbers in MEASURES.items()},
        "nps": {"latent": _NPS[0], **dict(zip(names, _NPS[1:], strict=True))},
        "csat": {"intercept": _CSAT[0], "loadings": dict(_CSAT[1]), "error": _CSAT[2]},
        "left_out_share": {**_LEFT_OUT, "else": _LEFT_OUT_ELSE},
        "invited_share": {"without_income_here": _INCLUDED[0], "with_income_here": _INCLUDED[1]},
        "answer_log_odds": {**_ANSWERS, "reminder": _REMINDER},
        "seconds_taken": {**_TAKEN, "pace_log_sd": _PACE},
        "after_contact": dict(_AFTER_CONTACT),
        "chinese_share": _CHINESE,
    }
