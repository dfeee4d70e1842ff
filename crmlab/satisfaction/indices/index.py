"""The satisfaction index: 0 to 100, with weights frozen at a base wave, and how many answers an interval asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.indices.index_checks import (
    answer_problems,
    customers_of,
    index_items,
    survey_weights,
    weight_problems,
)
from crmlab.satisfaction.indices.index_interval import FACTS, METHOD, mean_difference, mean_index
from crmlab.satisfaction.indices.rebasing import Rebasing
from crmlab.satisfaction.measurement.reliability import first_stage
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import Moments, moments
from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares
from crmlab.stats import Estimate

__all__ = ["SatisfactionIndex"]

_FORMAT = 1


class SatisfactionIndex:
    """An index of 0 to 100 for every latent variable, whose weights are learned once and then kept.

    Parameters
    ----------
    model : PathModel
        Latent variables, their items and paths.
    low, high : float
        Ends of the scale of all items.
    scheme : str
        Inner weighting of the partial least squares fit.
    least_answered_share : float
        A respondent has an index where the items answered carry at least this share of the weights, 0 to 1.

    Attributes
    ----------
    weights_ : Series
        By latent variable and item (two levels): weight of a point of the answer; those of a latent variable add up to
        1. A second-order construct has the items of all its dimensions.
    item_means_ : Series
        By item: mean at the base wave, for filling single gaps.
    n_ : int
        Responses at the base wave.

    Notes
    -----
    Weights estimated anew at every wave move the index although nothing changed: on items that stand at different
    heights the squared error rose by 33 to 56 % (100 to 1,000 responses, 500 samples each). So they are frozen, like
    the basket of a price index; `rebase` replaces them on purpose and states the jump.

    A gap of a respondent is filled with the item's mean at the base wave plus the respondent's own mean deviation
    (weighted) from the base means of the items answered: leaving out an item on which all score low does not then
    raise the index. With one of three items missing the error is 4.0 points (root mean square), against 8.2 where the
    weights of the answered items are stretched and 5.2 where the item's mean is taken; where less satisfied people
    leave out the lowest item the bias is .1, 4.1 and 1.3 points. The result is held within 0 to 100.

    Examples
    --------
    >>> kept = {"format": 1, "low": 0, "high": 10, "scheme": "path", "least_answered_share": 0.5, "n": 250,
    ...         "titles": {"sat": "Satisfaction", "loy": "Loyalty"},
    ...         "latents": {"sat": ["s1", "s2"], "loy": ["l1"]}, "higher": {}, "paths": {"loy": ["sat"]},
    ...         "modes": {"sat": "A", "loy": "A"},
    ...         "weights": {"sat": {"s1": 0.6, "s2": 0.4}, "loy": {"l1": 1.0}},
    ...         "item_means": {"s1": 8.0, "s2": 5.0, "l1": 7.0}}
    >>> index = SatisfactionIndex.from_dict(kept)
    >>> answers = pd.DataFrame({"s1": [10.0, 9.0], "s2": [5.0, float("nan")], "l1": [7.0, float("nan")]})
    >>> index.score(answers).round(1).values.tolist()  # second: 0.6 x 9 + 0.4 x (5 + 1) = 7.8
    [[80.0, 70.0], [78.0, nan]]
    """

    def __init__(
        self, model: PathModel, *, low: float, high: float, scheme: str = "path", least_answered_share: float = 0.5
    ) -> None:
        self.model = model
        self.low = low
        self.high = high
        self.scheme = scheme
        self.least_answered_share = least_answered_share

    def fit(self, frame: pd.DataFrame, *, weights: str | Sequence[float] | None = None) -> SatisfactionIndex:
        """Learn the weights from the responses of a base wave.

        Parameters
        ----------
        frame : DataFrame
            One row a response, the items as columns.
        weights : str or sequence of float, optional
            Survey weight of each response, 0 or more, or their column.
        """
        self._check_setting()
        refuse(*answer_problems(frame, self.items, self.low, self.high))
        return self.fit_moments(moments(frame, self.items, weights=weights))

    def fit_moments(self, seen: Moments) -> SatisfactionIndex:
        """Learn the weights from means and covariances of a base wave.

        Parameters
        ----------
        seen : Moments
            Of the items of the model, in its order, with their means.
        """
        self._check_setting()
        problems = []
        if tuple(seen.items) != self.items:
            problems.append("index: the moments are not of the items of the model. Take moments(frame, model.items).")
        elif np.isnan(seen.mean).any():
            problems.append("index: the means of the items are not known. Give them beside the covariances.")
        refuse(*problems)
        solution = PartialLeastSquares(self.model, scheme=self.scheme).fit_moments(seen).solution_
        if not solution.is_converged:
            refuse(
                f"index: the weights did not settle in {int(solution.iterations):,} iterations. Look for latent "
                "variables that hardly go along with their neighbours."
            )
        own = pd.Series(first_stage(solution).unstandardised_weights, index=list(self.items))
        joined = pd.DataFrame(solution.item_weights, index=list(self.items), columns=list(solution.model.constructs))
        weights = {
            name: (joined[name] if name in self.model.higher else own)[list(items)].to_dict()
            for name, items in index_items(self.model).items()
        }
        return self.keep(weights, dict(zip(self.items, seen.mean.tolist(), strict=True)), n=seen.n)

    @property
    def items(self) -> tuple[str, ...]:
        """Codes of all items, in the order of the model."""
        return self.model.items

    def keep(
        self, weights: Mapping[str, Mapping[str, float]], item_means: Mapping[str, float], *, n: int | None
    ) -> SatisfactionIndex:
        """Freeze weights that were found elsewhere.

        Parameters
        ----------
        weights : mapping of str to mapping of str to float
            By latent variable and item: unstandardised weight, on any scale that the items of a latent variable share.
        item_means : mapping of str to float
            By item: mean at the base wave.
        n : int or None
            Responses at the base wave.
        """
        self._check_setting()
        wanted = [(name, item) for name, items in index_items(self.model).items() for item in items]
        lacking = [" of ".join((item, name)) for name, item in wanted if item not in weights.get(name, {})]
        unknown = [item for item in self.items if item not in item_means]
        refuse(
            *([f"index: no weight is given for {', '.join(lacking)}. Give one for every item of the model."]
              if lacking else []),
            *([f"index: no mean is given for {', '.join(unknown)}. Give one for every item of the model."]
              if unknown else []),
        )  # fmt: skip
        index = pd.MultiIndex.from_tuples(wanted, names=["latent", "item"])
        given = pd.Series([float(weights[name][item]) for name, item in wanted], index=index, name="weight")
        refuse(*weight_problems(given, self.model, self.low, self.high))
        self.weights_ = given / given.groupby(level="latent", sort=False).transform("sum")
        self.item_means_ = pd.Series({item: float(item_means[item]) for item in self.items}, name="mean")
        self.n_ = n
        return self

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give each respondent an index of each latent variable.

        Parameters
        ----------
        frame : DataFrame
            One row a response, the items as columns; missing answers are not a number.

        Returns
        -------
        DataFrame
            One column a latent variable, 0 to 100, with the index of `frame`; not known where too little was answered.
        """
        self._check_fitted()
        refuse(*answer_problems(frame, self.items, self.low, self.high))
        scores = {}
        for name, items in index_items(self.model).items():
            answers = frame[list(items)].to_numpy(dtype=float)
            weights = self.weights_[name].to_numpy()
            means = self.item_means_[list(items)].to_numpy()
            answered = ~np.isnan(answers)
            share = answered @ weights
            enough = (share > 0) & (share >= self.least_answered_share - 1e-12)
            own = np.where(answered, answers - means, 0.0) @ weights / np.where(enough, share, np.nan)
            points = (weights @ means + own - self.low) / (self.high - self.low)
            scores[name] = np.clip(100 * points, 0.0, 100.0)
        return pd.DataFrame(scores, index=frame.index)

    def index(
        self,
        frame: pd.DataFrame,
        *,
        by: str | Sequence[str] | None = None,
        weights: str | Sequence[float] | None = None,
        clusters: str | Sequence[object] | None = None,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Compute the index of everybody, or of every group or wave, with intervals.

        Parameters
        ----------
        frame : DataFrame
            One row a response, the items as columns, beside them the columns of `by`.
        by : str or sequence of str, optional
            Columns whose values make the groups.
        weights : str or sequence of float, optional
            Survey weight of each response, 0 or more, or their column; those of weight 0 are left out.
        clusters : str or sequence, optional
            Customer of each response, or their column: responses of one customer belong together.
        level : float
            Confidence level, 0 to 1.

        Returns
        -------
        DataFrame
            One row a group and latent variable: the columns of `by`, ``latent``, ``title``, ``index``, ``index_low``,
            ``index_high`` (0 to 100), ``n`` (responses with an index), ``n_effective`` (Kish, customers), ``deviation``
            (standard deviation over responses, index points), ``design_effect``, ``left_out_count`` (responses with
            too few answers), ``note`` (why an interval is not known, else empty).

        Notes
        -----
        Weighted mean of the respondents' indices. Its variance is linearised: squared sums of the weighted residuals by
        customer, times m / (m - 1), m being Kish's effective number of customers; Student's t with m - 1 degrees of
        freedom, on the log-odds scale of the index, so that the interval stays within 0 to 100. The weights of the
        items are part of the definition of the index, so their error is not in the interval. Measured coverage: see
        `crmlab.satisfaction.indices.index_interval.mean_index`.

        References
        ----------
        Kish (1965), Survey Sampling; Binder (1983), International Statistical Review 51, for linearised variances.

        Examples
        --------
        >>> model = PathModel({"sat": ("s1",), "loy": ("l1",)}, {"loy": ("sat",)})
        >>> index = SatisfactionIndex(model, low=0, high=10)
        >>> index = index.keep({"sat": {"s1": 1}, "loy": {"l1": 1}}, {"s1": 7, "l1": 7}, n=4)
        >>> answers = pd.DataFrame({"s1": [6.0, 7.0, 8.0, 9.0], "l1": [10.0] * 4})
        >>> found = index.index(answers)
        >>> found[["latent", "index", "index_low", "index_high", "n"]].round(1).values.tolist()
        [['sat', 75.0, 50.1, 90.0, 4], ['loy', 100.0, nan, nan, 4]]
        >>> found["note"].iloc[1]
        'All 4 give the same answer; an interval is not known.'
        """
        groups = [by] if isinstance(by, str) else list(by or [])
        refuse(
            *(f"index: column {name!r} is not there.{nearest(name, frame.columns)}" for name in groups
              if name not in frame.columns),
            *([f"index: the level is {level}. Give a share above 0 and below 1."] if not 0 < level < 1 else []),
        )  # fmt: skip
        scores, weight, who = self.score(frame), survey_weights(frame, weights), customers_of(frame, clusters)
        parts = frame.groupby(groups, sort=True, observed=True).indices if groups else {(): np.arange(len(frame))}
        rows = []
        for key, chosen in parts.items():
            where = dict(zip(groups, key if isinstance(key, tuple) else (key,), strict=True))
            for name in scores.columns:
                facts = mean_index(scores[name].to_numpy()[chosen], weight[chosen], who[chosen], level=level)
                rows.append(where | {"latent": name, "title": self.model.title(name)} | facts)
        return pd.DataFrame(rows, columns=[*groups, "latent", "title", *FACTS])

    def rebase(
        self,
        frame: pd.DataFrame,
        *,
        weights: str | Sequence[float] | None = None,
        clusters: str | Sequence[object] | None = None,
    ) -> Rebasing:
        """Learn new weights from another wave and say how far that alone moves the index.

        Parameters
        ----------
        frame, weights, clusters
            Responses of the new base wave, as in `index`.

        Returns
        -------
        Rebasing
            The new index, and old and new values of the same responses side by side.
        """
        self._check_fitted()
        fresh = type(self)(
            self.model, low=self.low, high=self.high, scheme=self.scheme, least_answered_share=self.least_answered_share
        ).fit(frame, weights=weights)
        old, new = self.score(frame), fresh.score(frame)
        weight, who = survey_weights(frame, weights), customers_of(frame, clusters)
        rows = []
        for name in old.columns:
            both = old[name].notna() & new[name].notna()
            before, after = (mean_index(one[name].where(both).to_numpy(), weight, who) for one in (old, new))
            jump, low, high = mean_difference((new[name] - old[name]).to_numpy(), weight, who)
            rows.append({"latent": name, "title": self.model.title(name), "before": before["index"],
                         "after": after["index"], "jump": jump, "jump_low": low, "jump_high": high,
                         "n": after["n"]})  # fmt: skip
        return Rebasing(fresh, pd.DataFrame(rows))

    def as_dict(self) -> dict:
        """Give everything to be kept as plain values for JSON; it names no customer."""
        self._check_fitted()
        names = list(index_items(self.model))
        return {
            "format": _FORMAT,
            "low": self.low,
            "high": self.high,
            "scheme": self.scheme,
            "least_answered_share": self.least_answered_share,
            "n": self.n_,
            "titles": {name: self.model.title(name) for name in names},
            "latents": {name: list(items) for name, items in self.model.latents.items()},
            "higher": {name: list(parts) for name, parts in self.model.higher.items()},
            "paths": {effect: list(causes) for effect, causes in self.model.paths.items()},
            "modes": {name: self.model.mode(name) for name in names},
            "weights": {name: {item: float(w) for item, w in self.weights_[name].items()} for name in names},
            "item_means": {item: float(self.item_means_[item]) for item in self.items},
        }

    @classmethod
    def from_dict(cls, kept: Mapping) -> SatisfactionIndex:
        """Make the index from what `as_dict` gave.

        Parameters
        ----------
        kept : mapping
            Plain values, e.g. from a JSON file.
        """
        needed = ["format", "low", "high", "scheme", "least_answered_share", "n", "titles", "latents", "higher",
                  "paths", "modes", "weights", "item_means"]  # fmt: skip
        missing = [key for key in needed if key not in kept]
        refuse(
            *([f"kept index: it lacks {missing}. Take the file that as_dict gave."] if missing else []),
            *([f"kept index: its format is {kept['format']!r}, not {_FORMAT}. Fit the index anew."]
              if kept.get("format", _FORMAT) != _FORMAT else []),
        )  # fmt: skip
        model = PathModel(kept["latents"], kept["paths"], kept["modes"], kept["titles"], kept["higher"])
        return cls(
            model,
            low=kept["low"],
            high=kept["high"],
            scheme=kept["scheme"],
            least_answered_share=kept["least_answered_share"],
        ).keep(kept["weights"], kept["item_means"], n=kept["n"])

    def estimates(self, found: pd.DataFrame, *, level: float = 0.95) -> dict[str, Estimate]:
        """Turn a result of `index` without groups into named numbers, ``index_<latent>``.

        Parameters
        ----------
        found : DataFrame
            From `index`, one row a latent variable.
        level : float
            Level it was made with.
        """
        return {
            f"index_{row['latent']}": Estimate(
                row["index"], unit="index", low=_known(row["index_low"]), high=_known(row["index_high"]),
                n=int(row["n"]), method=METHOD, level=level,
            )
            for row in found.to_dict("records")
        }  # fmt: skip

    def _check_setting(self) -> None:
        least = self.least_answered_share
        refuse(
            *([f"index: the scale goes from {self.low} to {self.high}. Give a low below the high."]
              if not self.low < self.high else []),
            *([f"index: least_answered_share is {least}. Give a share from 0 to 1."] if not 0 <= least <= 1 else []),
        )  # fmt: skip

    def _check_fitted(self) -> None:
        if not hasattr(self, "weights_"):
            refuse("index: it has no weights yet. Call fit with the responses of the base wave, or from_dict.")


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
