"""The path model of a survey, estimated: weights of items, loadings, paths, effects, scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.model_remarks import remarks_on, reversed_items, unsolvable
from crmlab.satisfaction.path_models.moments import Moments, moments, moments_from_covariance
from crmlab.satisfaction.path_models.solution import Settings, Solution, solve
from crmlab.satisfaction.path_models.structural import effect_sizes, inner_vif

__all__ = ["PartialLeastSquares", "Settings", "Solution", "solve"]


class PartialLeastSquares:
    """How strongly image, quality, value and the like act on satisfaction and loyalty, from the answers of a survey.

    Parameters
    ----------
    model : PathModel
        Items, latent variables, paths.
    scheme : {"path", "centroid", "factorial"}
        How neighbours are weighed in the iteration.
    scaled : bool
        True: items enter with variance 1. False: in points of the scale (only useful when all have the same scale).
    consistent : bool
        True frees correlations from the errors of the items (PLSc).
    tolerance : float
        Largest move of a weight that ends the iteration.
    most_iterations : int
        After so many it is given up, and `remarks_` says so.

    Attributes
    ----------
    paths_ : DataFrame
        ``cause``, ``effect``, ``coefficient`` (standard deviations of the effect per standard deviation of the cause),
        ``f2`` (effect size), ``vif`` (inflation of the cause's variance), ``n``.
    direct_, indirect_, total_ : DataFrame
        Effects of the construct in the row on that in the column.
    r2_ : Series
        Share of variance explained, by effect, 0 to 1.
    f2_, vif_ : DataFrame
        Effect size and inflation of each path, as `direct_`.
    outer_ : DataFrame
        ``latent``, ``item``, ``mode``, ``weight``, ``unstandardised_weight``, ``loading``, ``vif`` (of the item in its
        block), ``is_dimension`` (a row for a dimension of a second-order construct).
    outer_weights_, loadings_, outer_vif_ : Series
        Columns of `outer_` by item.
    cross_loadings_ : DataFrame
        Correlation of each item (row) with each composite (column).
    latent_correlation_ : DataFrame
        Correlations of constructs; freed from error with `consistent`.
    reliability_ : Series
        rho_A by latent variable; 1 where nothing is known of error (one item, mode B).
    goodness_of_fit_ : float
        Root of mean communality times mean R squared. Not a test of fit.
    signs_ : DataFrame
        ``latent``, ``items_count``, ``positive_count``: items with a loading above 0.
    reversed_ : tuple of str
        Items that go against most others of their latent variable. They are never turned round.
    remarks_ : tuple of str
        What must be said before the numbers are read: gaps, reversed items, weights not settled, impossible values.
    iterations_, is_converged_, is_admissible_ : int, bool, bool
        Iterations made; whether weights settled; whether a population can have these values.
    moments_, solution_ : Moments, Solution
        What went in and what came out, as arrays.

    Notes
    -----
    Only means and covariances are needed, so the same code estimates a survey and all resamples of it. Survey weights
    enter the covariances (weighted PLS: Becker and Ismail 2016). A coefficient describes how answers go together; that
    the cause changes the effect is the assumption of whoever drew the path.

    Partial least squares without `consistent` finds composites, whose correlations are nearer to 0 than those of latent
    variables by the root of their reliabilities.

    References
    ----------
    Lohmoeller, J.-B. (1989). Latent variable path modeling with partial least squares. Physica.
    Dijkstra, T. K. and Henseler, J. (2015). Consistent partial least squares path modeling. MIS Quarterly 39(2).
    Becker, J.-M. and Ismail, I. R. (2016). Accounting for sampling weights in PLS path modeling. European Management
    Journal 34(6), 606-617.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> image = rng.normal(size=500)
    >>> value = 0.6 * image + 0.8 * rng.normal(size=500)
    >>> frame = pd.DataFrame({f"i{k}": 7 + image + 0.6 * rng.normal(size=500) for k in (1, 2, 3)})
    >>> frame = frame.assign(**{f"v{k}": 6 + value + 0.6 * rng.normal(size=500) for k in (1, 2, 3)})
    >>> model = PathModel({"image": ["i1", "i2", "i3"], "value": ["v1", "v2", "v3"]}, {"value": ["image"]})
    >>> fitted = PartialLeastSquares(model, consistent=True).fit(frame)
    >>> fitted.paths_.round(2).to_dict("records")
    [{'cause': 'image', 'effect': 'value', 'coefficient': 0.57, 'f2': 0.48, 'vif': 1.0, 'n': 500}]
    >>> fitted.scores(frame).round(1).head(2).to_numpy().tolist()
    [[0.5, -0.6], [1.4, 2.4]]
    """

    def __init__(
        self,
        model: PathModel,
        *,
        scheme: str = "path",
        scaled: bool = True,
        consistent: bool = False,
        tolerance: float = 1e-9,
        most_iterations: int = 500,
    ) -> None:
        self.model = model
        self.scheme = scheme
        self.scaled = scaled
        self.consistent = consistent
        self.tolerance = tolerance
        self.most_iterations = most_iterations

    @property
    def settings(self) -> Settings:
        """How the model is estimated; refuses what is misspelt."""
        return Settings(self.scheme, self.scaled, self.consistent, self.tolerance, self.most_iterations)

    def fit(
        self,
        frame: pd.DataFrame,
        weights: str | Sequence[float] | None = None,
        *,
        missing: str = "pairwise",
        wave: str | None = None,
    ) -> PartialLeastSquares:
        """Estimate from answers, one row a response (see `crmlab.satisfaction.path_models.moments.moments`)."""
        settings = self.settings
        return self._estimate(moments(frame, self.model.items, weights=weights, missing=missing, wave=wave), settings)

    def fit_covariance(
        self, covariance: pd.DataFrame, n: int | None = None, *, mean: Sequence[float] | pd.Series | None = None
    ) -> PartialLeastSquares:
        """Estimate from covariances or correlations that were published or kept."""
        settings = self.settings
        return self._estimate(moments_from_covariance(covariance, items=self.model.items, n=n, mean=mean), settings)

    def fit_moments(self, known: Moments) -> PartialLeastSquares:
        """Estimate from moments of the model's items, in its order."""
        if known.items != self.model.items:
            refuse(f"moments are of items {list(known.items)}, the model has {list(self.model.items)}. Give the same.")
        return self._estimate(known, self.settings)

    def _estimate(self, known: Moments, settings: Settings) -> PartialLeastSquares:
        widest = max(
            *(len(causes) for causes in self.model.paths.values()),
            *(len(items) for name, items in self.model.latents.items() if self.model.mode(name) == "B"),
            0,
        )
        if 0 < known.n < widest + 2:
            refuse(
                f"answers: {known.n} responses for a regression on {widest}. Give {widest + 2} or more, or use a "
                "smaller model."
            )
        solution = solve(known.covariance, self.model, settings)
        refuse(*unsolvable(known.covariance, self.model, solution))
        self.moments_, self.solution_ = known, solution
        self.iterations_ = int(solution.iterations)
        self.is_converged_, self.is_admissible_ = bool(solution.is_converged), bool(solution.is_admissible)
        self.reversed_ = reversed_items(solution)
        self.remarks_ = (*known.missing, *remarks_on(solution, settings, known.n))
        self._read_inner(solution, known.n)
        self._read_outer(solution, known.covariance)
        return self

    def _read_inner(self, solution: Solution, n: int) -> None:
        model, names = solution.model, list(solution.model.constructs)
        f2 = effect_sizes(solution.latent_correlation, solution.paths, model)
        vif = inner_vif(solution.latent_correlation, model)

        def square(values: np.ndarray) -> pd.DataFrame:
            return pd.DataFrame(values, index=pd.Index(names, name="cause"), columns=pd.Index(names, name="effect"))

        self.direct_, self.indirect_, self.total_ = map(square, (solution.paths, solution.indirect, solution.total))
        self.f2_, self.vif_ = square(f2), square(vif)
        self.latent_correlation_ = pd.DataFrame(solution.latent_correlation, index=names, columns=names)
        self.r2_ = pd.Series(solution.r2, index=names, name="r2")[list(model.effects)]
        self.goodness_of_fit_ = float(solution.goodness_of_fit)
        self.paths_ = pd.DataFrame(
            [
                (cause, effect, *(float(table.loc[cause, effect]) for table in (self.direct_, self.f2_, self.vif_)))
                for cause, effect in model.arrows
            ],
            columns=["cause", "effect", "coefficient", "f2", "vif"],
        ).assign(n=n)

    def _read_outer(self, solution: Solution, covariance: np.ndarray) -> None:
        stages = [solution] if solution.first is None else [solution.first, solution]
        tables, cross, reliability = [], [], []
        for stage in stages:
            taken = _as_rows(stage, self.model)
            tables.append(taken)
            cross.append(pd.DataFrame(stage.cross_loadings, index=stage.model.items, columns=stage.model.names))
            reliability.append(pd.Series(stage.reliability, index=stage.model.names, name="reliability"))
        outer = pd.concat(tables, ignore_index=True)
        if solution.first is not None:  # of stage 1 only the dimensions, of stage 2 all that is not a dimension
            parts = {part for parts in self.model.higher.values() for part in parts}
            is_first = np.arange(len(outer)) < len(tables[0])
            outer = outer[~is_first | outer["latent"].isin(parts)].reset_index(drop=True)
            reliability[0] = reliability[0][[name for name in self.model.names if name in parts]]
        outer["vif"] = np.nan
        among = pd.DataFrame(covariance, index=self.model.items, columns=self.model.items)
        for name, items in self.model.latents.items():
            outer.loc[outer["latent"] == name, "vif"] = _vif(among.loc[list(items), list(items)].to_numpy())
        for name, parts in self.model.higher.items():
            places = [self.model.names.index(part) for part in parts]
            block = solution.first.latent_correlation[np.ix_(places, places)]
            outer.loc[outer["latent"] == name, "vif"] = _vif(block)
        self.outer_ = outer
        by_item = outer.set_index("item")
        self.outer_weights_, self.loadings_, self.outer_vif_ = by_item["weight"], by_item["loading"], by_item["vif"]
        self.cross_loadings_ = cross[-1]
        self.reliability_ = pd.concat(reliability)
        signs = outer.assign(is_positive=outer["loading"] > 0).groupby("latent", sort=False)["is_positive"]
        self.signs_ = signs.agg(items_count="size", positive_count="sum").reset_index()

    def scores(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Compute the standing of each respondent on each construct.

        Parameters
        ----------
        frame : DataFrame
            One row a response with the items of the model; other columns are tolerated.

        Returns
        -------
        DataFrame
            Same index; one column a construct, in standard deviations from the mean of the responses that were learned
            from; NaN where no item of the construct was answered.

        Notes
        -----
        Means and weights are those learned. Where some items of a construct are not answered, the weighted deviation
        of the others is taken, times the weights (sizes, standardised) of all over those of the answered.
        """
        if not hasattr(self, "solution_"):
            refuse("scores: the model has not been estimated. Call fit first.")
        lacking = [item for item in self.model.items if item not in frame.columns]
        refuse(
            *(
                f"scores: item {item!r} is not a column of the answers.{nearest(item, frame.columns)}"
                for item in lacking
            )
        )
        if np.isnan(self.moments_.mean).any():
            refuse("scores: the means of the items are not known. Give them to fit_covariance as mean=.")
        values = frame[list(self.model.items)].to_numpy(dtype=float, na_value=np.nan)
        answered = ~np.isnan(values)
        weights = self.solution_.item_weights
        size = np.abs(weights) * self.moments_.sd[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            full = size.sum(axis=0) / (answered @ size)
        deviation = np.where(answered, values - self.moments_.mean, 0.0) @ weights
        found = np.where(np.isfinite(full), deviation * np.where(np.isfinite(full), full, 0.0), np.nan)
        return pd.DataFrame(found, index=frame.index, columns=list(self.solution_.model.constructs))


def _as_rows(stage: Solution, model: PathModel) -> pd.DataFrame:
    """One row an item of a stage."""
    return pd.DataFrame(
        {
            "latent": list(stage.model.latent_of.values()),
            "item": list(stage.model.items),
            "mode": [stage.model.mode(name) for name in stage.model.latent_of.values()],
            "weight": stage.weights,
            "unstandardised_weight": stage.unstandardised_weights,
            "loading": stage.loadings,
            "is_dimension": [item not in model.latent_of for item in stage.model.items],
        }
    )


def _vif(block: np.ndarray) -> np.ndarray:
    """Inflation of the variance of each item by the others of its block; infinite where one can be computed."""
    sd = np.sqrt(np.diag(block))
    correlation = block / np.outer(sd, sd)
    values = np.linalg.eigvalsh(correlation)
    if values[0] <= 1e-10 * values[-1]:
        return np.full(len(block), np.inf)
    return np.diag(np.linalg.inv(correlation))
