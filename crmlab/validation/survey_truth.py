"""What a survey of the simulated bank should find: the true index, recommendation and response, given who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from crmlab.errors import CrmlabError
from crmlab.satisfaction.study import WEIGHED_BY, Study
from crmlab.satisfaction.survey.answers import Answers
from crmlab.satisfaction.survey.groups import customers_at, with_groups
from crmlab.satisfaction.survey.weighting import rake
from crmlab.validation.expected_answers import expected_scores, share_at_least
from crmlab.validation.truth import Truth

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["TrueWave", "true_wave"]

_BOUNDS = (0.2, 5.0)  # of the weights of responses, as in the study
_FIRST_DAYS = 90  # who joined later than so many days before the wave is not asked
_PER_MONTH = {"leaving": 0.55, "silent": 0.60}  # what is left of activity after a month on the way out
_SILENT_AFTER = 5


@dataclass(frozen=True)
class TrueWave:
    """Everybody who could have answered one wave, with the chance to, the weight, and the true opinions.

    Parameters
    ----------
    frame : DataFrame
        One row a customer and letter (first, reminder): ``customer_id``, ``chance`` (to answer that letter, if asked),
        ``weight`` (chance times the weight a response would get), ``asked_share``, and the latent variables.
    items : mapping
        Planted intercept, loading and error of each item.
    recommendation : mapping
        The same of the item of recommendation, with its ``latent``.
    latent_of : mapping of str to str
        Item to its latent variable.
    customers_count : int
        Customers there when the wave began.
    scale : tuple of float
        Lowest and highest answer.
    """

    frame: pd.DataFrame
    items: Mapping[str, Mapping[str, float]]
    recommendation: Mapping[str, object]
    latent_of: Mapping[str, str]
    customers_count: int
    scale: tuple[float, float]

    def index(self, weights: pd.Series, *, of_all: bool = False) -> float:
        """Expected index under given weights of items that add up to 1.

        Parameters
        ----------
        weights : Series
            By item.
        of_all : bool
            True: of all customers who could be asked, each once, whether or not they would answer.
        """

        def points(latents: pd.DataFrame) -> np.ndarray:
            values = np.zeros(len(latents))
            for item, weight in weights.items():
                planted = self.items[item]
                center = planted["intercept"] + planted["loading"] * latents[self.latent_of[item]].to_numpy(float)
                values += weight * expected_scores(center, planted["error"])
            low, high = self.scale
            return 100 * (values - low) / (high - low)

        return self._mean(points, of_all)

    def net_promoter_score(self, *, of_all: bool = False) -> float:
        """Expected net promoter score, points."""
        planted = self.recommendation

        def points(latents: pd.DataFrame) -> np.ndarray:
            center = planted["intercept"] + planted["loading"] * latents[planted["latent"]].to_numpy(float)
            error = planted["error"]
            return 100 * (share_at_least(9, center, error) - 1 + share_at_least(7, center, error))

        return self._mean(points, of_all)

    @property
    def response_share(self) -> float:
        """Expected share of the customers there who answer one of the two letters."""
        return float((self.frame["asked_share"] * self.frame["chance"]).sum() / self.customers_count)

    def _mean(self, points: Callable[[pd.DataFrame], np.ndarray], of_all: bool) -> float:
        part = self.frame[self.frame["is_first"]] if of_all else self.frame
        weights = np.ones(len(part)) if of_all else part["weight"].to_numpy(float)
        return float(np.average(points(part), weights=weights))


def true_wave(bank: Bank, truth: Truth, study: Study, wave: str) -> TrueWave | None:
    """Take everybody who could have answered a wave from the truth; None where months of it are not there.

    Parameters
    ----------
    bank : Bank
        As the notebook saw it.
    truth : Truth
        Its truth.
    study : Study
        Gives the answers, and so the wave's day and groups.
    wave : str
        One of its waves.

    Notes
    -----
    A letter is answered with a planted chance: image, age, engagement and main bank, less for who is on the way out.
    Who is asked with a lower chance weighs as much more, so that being asked cancels; the chances to answer are then
    raked to the sizes of the same groups among all customers as the responses are. What is left is what the intervals
    are about: other customers who answer like these. All customers of the bank are less satisfied (`of_all`), because
    who thinks well of it answers more often; no weight can know that.
    """
    day = pd.Timestamp(study.answers.of(wave)["answered_on"].min())
    first = day.to_period("M")
    plan = truth.parameters["surveys"]
    people = truth.table(
        "customers", columns=["customer_id", "joined_on", "image", "engagement", "is_main", "is_dormant"]
    )
    months = truth.table("months", months=((first - 8).start_time.date(), (first + 1).end_time.date()))
    months = months.assign(month=months["month_on"].dt.to_period("M"))
    if not (months["month"] == first).any():
        return None
    births = bank.frame("customers", ["customer_id", "birth_on"])
    births = births.assign(customer_id=births["customer_id"].astype("str"))
    known = people.merge(births, on="customer_id").set_index("customer_id").rename(columns={"image": "standing_image"})
    known = known[known["joined_on"] < first.start_time - pd.Timedelta(days=_FIRST_DAYS)]
    fade = _fade(months, known["is_dormant"])
    letters, not_yet = [], None
    for number in (0, 1):
        rows = months[(months["month"] == first + number) & (months["status"] != "dying")].set_index("customer_id")
        rows = rows.join(known, how="inner")
        if number:
            rows = rows[rows.index.isin(not_yet.index)]
        active = fade.reindex(pd.MultiIndex.from_product([rows.index, [first + number]])).fillna(1.0).to_numpy()
        chance = _chance(rows, plan["answer_log_odds"], first + number, active, is_reminder=bool(number))
        before = 1.0 if not_yet is None else not_yet.reindex(rows.index).to_numpy()
        invited = plan["invited_share"]
        asked = np.where(rows["is_main"] & (active > 0.99), invited["with_income_here"], invited["without_income_here"])
        letters.append(rows.assign(chance=before * chance, asked_share=asked, is_first=number == 0))
        not_yet = pd.Series(before * (1 - chance), index=rows.index) if not number else not_yet
    frame = pd.concat(letters).rename_axis("customer_id").reset_index()
    frame = _raked(bank, study, wave, frame[frame["chance"] > 0])
    latent_of = {item: name for name, items in study.model.latents.items() for item in items}
    count = len(customers_at(bank, study.answers, wave, []))
    return TrueWave(frame, plan["items"], plan["nps"], latent_of, count, study.scale)


def _fade(months: pd.DataFrame, is_dormant: pd.Series) -> pd.Series:
    """Factor on what a customer starts, by customer and month: 1 until on the way out."""
    rows = months.sort_values(["customer_id", "month"], kind="stable")
    status = rows["status"].astype("str")
    changed = (status != status.shift()) | (rows["customer_id"] != rows["customer_id"].shift())
    since = rows.groupby(changed.cumsum()).cumcount().to_numpy()
    factor = status.map(_PER_MONTH).fillna(1.0).to_numpy() ** since
    factor = np.where((status == "silent") & (since > _SILENT_AFTER), 0.0, factor)
    dormant = rows["customer_id"].map(is_dormant).fillna(False).astype(bool).to_numpy()
    factor = np.where(dormant & (status == "silent"), 0.0, factor)
    return pd.Series(factor, index=pd.MultiIndex.from_frame(rows[["customer_id", "month"]]))


def _chance(
    rows: pd.DataFrame, planted: Mapping[str, float], month: pd.Period, active: np.ndarray, *, is_reminder: bool
) -> np.ndarray:
    age = (month.start_time - rows["birth_on"]).dt.days.to_numpy() / 365.2425
    odds = (
        planted["constant"]
        + planted["image"] * rows["standing_image"].to_numpy(float)
        + planted["age_decade"] * (age - 50) / 10
        + planted["engagement"] * (np.minimum(rows["engagement"].to_numpy(float), 3) - 1)
        + planted["is_main"] * rows["is_main"].to_numpy(float)
        + (planted["reminder"] if is_reminder else 0.0)
    )
    return (0.1 + 0.9 * active) * expit(odds)


def _raked(bank: Bank, study: Study, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Give chances the weights that responses get: groups as large as among all customers."""
    there = customers_at(bank, study.answers, wave, [])
    day = study.answers.of(wave)["answered_on"].iloc[0]
    everybody = pd.DataFrame({"customer_id": there.index.astype("str"), "wave": wave, "answered_on": day})
    columns = [name for name in WEIGHED_BY if name in study.frame]
    stand_in = Answers(everybody, study.answers.questionnaire, study.answers.occasion, {}, "")
    groups = with_groups(stand_in, bank, by=columns).set_index("customer_id")[columns].astype("str")
    frame = frame[frame["customer_id"].isin(groups.index)].reset_index(drop=True)
    own = groups.reindex(frame["customer_id"]).reset_index(drop=True)
    sizes = {name: groups[name][groups[name].isin(own[name].unique())].value_counts() for name in columns}
    total = min(int(one.sum()) for one in sizes.values()) if sizes else 0
    shares = {name: one / one.sum() for name, one in sizes.items()}
    if not total:
        return frame.assign(weight=frame["chance"])
    try:
        weights = rake(own, shares, weights=frame["chance"]).weights
    except CrmlabError:
        weights = frame["chance"]
    return frame.assign(weight=weights.to_numpy(float))
