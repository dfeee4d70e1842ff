"""Can the latent variables of a survey be told apart? If not, effects of the single ones are not ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.satisfaction.measurement.measured import Measured
from crmlab.satisfaction.measurement.measures import average_variance_extracted, heterotrait_monotrait, membership
from crmlab.satisfaction.measurement.merging import construct_of, joined_title, lowered
from crmlab.satisfaction.measurement.reliability import first_stage, latent_loadings
from crmlab.satisfaction.path_models.consistent import disattenuated
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import Solution

__all__ = ["MOST_HTMT", "MOST_UPPER", "Gate", "validity_gate"]

MOST_HTMT = 0.9  # Henseler, Ringle and Sarstedt 2015, for constructs that are alike in meaning
MOST_UPPER = 1.0  # the same: an interval that reaches 1 does not exclude that two are one


@dataclass(frozen=True)
class Gate:
    """Which latent variables can be told apart, and what may be said.

    Parameters
    ----------
    frame : DataFrame
        One row a pair, the most alike first: ``first``, ``second`` (names), ``first_title``, ``second_title``,
        ``measure`` (``HTMT``, or what stands in its place), ``htmt``, ``htmt_low``, ``htmt_high``, ``htmt2``,
        ``htmt2_low``, ``htmt2_high``, ``latent_correlation`` (of the composites, -1 to 1), ``is_fornell_larcker_met``,
        ``is_blocked``, ``why`` (empty where it is not).
    groups : tuple of tuple of str
        Latent variables to be joined: each can not be told apart from some other of its group.
    blocked : tuple of str
        Constructs of the model whose single effects are not ranked.
    reading : str
        Why, what to do, and what can still be said.
    n : int or None
        Responses.
    """

    frame: pd.DataFrame
    groups: tuple[tuple[str, ...], ...]
    blocked: tuple[str, ...]
    reading: str
    n: int | None = None

    @property
    def is_open(self) -> bool:
        """True where every pair can be told apart."""
        return not self.groups

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Pairs that cannot be told apart, the most alike first."""
        rows = self.frame[self.frame["is_blocked"]]
        return tuple(zip(rows["first"], rows["second"], strict=True))

    def is_ranked(self, names: Iterable[str]) -> list[bool]:
        """Say for each construct whether it may stand in a ranking of drivers."""
        return [name not in self.blocked for name in names]


def validity_gate(found: Measured, *, most_htmt: float = MOST_HTMT, most_upper: float = MOST_UPPER) -> Gate:
    """Judge which latent variables can be told apart.

    Parameters
    ----------
    found : Measured
        A survey and its resamples.
    most_htmt : float
        A pair with this HTMT or more cannot be told apart, 0 and more.
    most_upper : float
        Neither can a pair whose interval reaches this.

    Returns
    -------
    Gate
        Pairs, groups to be joined, and what may be said.

    Notes
    -----
    Two latent variables whose items go together as closely across as within are, to the data, one. Effects of each on a
    third are then a matter of chance: on 250 customers of a Spanish bank, expectations and quality have an HTMT of .98,
    and consistent estimates of their effects on value are -1.7 and 2.6. Other software prints them.

    Items of mode B need not go together, so HTMT says nothing of them: a pair with such a latent variable is judged by
    the absolute correlation of the composites, freed of the errors of mode A, which stands in the columns of HTMT.

    Both limits are conventions. The interval is of bootstrap percentiles; at 95 % it holds the true HTMT in 93 to 95 %
    of samples of 150 and 400 (`benchmarks/satisfaction_measures.py`). Dimensions of one second-order construct may be
    alike; no path tells them apart. ``is_fornell_larcker_met`` (the root of each AVE above their correlation, both free
    of error) is shown because it is asked for; Henseler, Ringle and Sarstedt found that it seldom notices.

    References
    ----------
    Henseler, Ringle and Sarstedt (2015), A new criterion for assessing discriminant validity in variance-based
    structural equation modeling, Journal of the Academy of Marketing Science 43.

    Examples
    --------
    >>> from crmlab.satisfaction.measurement.measured import measured
    >>> rng = np.random.default_rng(1)
    >>> one, other = rng.normal(size=(2, 300, 1))
    >>> noise = rng.normal(size=(300, 6))
    >>> frame = pd.DataFrame(np.hstack([one, one, one, one, other, other]) + noise, columns=list("abcdef"))
    >>> model = PathModel({"hope": ["a", "b"], "quality": ["c", "d"], "value": ["e", "f"]},
    ...                   {"value": ["hope", "quality"]})
    >>> gate = validity_gate(measured(frame, model, resamples=200))
    >>> gate.is_open, gate.groups, gate.is_ranked(["hope", "value"])
    (False, (('hope', 'quality'),), [False, True])
    """
    refuse(
        *([f"validity_gate: most_htmt is {most_htmt}. Give a number above 0."] if not most_htmt > 0 else []),
        *([f"validity_gate: most_upper is {most_upper}. Give a number above 0."] if not most_upper > 0 else []),
    )
    frame = _judged(_pairs(found), found.model, most_htmt, most_upper)
    blocked_pairs = frame.loc[frame["is_blocked"], ["first", "second"]].itertuples(index=False, name=None)
    groups = _groups(list(found.model.latents), blocked_pairs)
    blocked = {construct_of(found.model, name) for group in groups for name in group}
    ordered = tuple(name for name in found.model.constructs if name in blocked)
    return Gate(frame, groups, ordered, _reading(frame, groups, found), found.n)


def _pairs(found: Measured) -> pd.DataFrame:
    """One row a pair of latent variables, the most alike first."""
    stage = first_stage(found.solution)
    model = stage.model
    belongs = membership(model.latents)
    row, column = np.triu_indices(len(model.names), 1)
    columns: dict[str, object] = {
        "first": [model.names[k] for k in row],
        "second": [model.names[k] for k in column],
        "first_title": [model.title(model.names[k]) for k in row],
        "second_title": [model.title(model.names[k]) for k in column],
    }
    is_formative = np.array([model.mode(name) == "B" for name in model.names])
    other = is_formative[row] | is_formative[column]
    columns["measure"] = np.where(other, "correlation freed of error", "HTMT").tolist()
    instead = [_freed(one)[..., row, column] for one in (stage, first_stage(found.solutions))]
    for name, geometric in (("htmt", False), ("htmt2", True)):
        point, draws = (
            np.where(other, freed, heterotrait_monotrait(one, belongs, geometric=geometric)[..., row, column])
            for one, freed in zip((found.moments.covariance, found.resampled.covariance), instead, strict=True)
        )
        low, high = found.limits(draws)
        columns |= {name: point, f"{name}_low": low, f"{name}_high": high}
    root = np.sqrt(average_variance_extracted(latent_loadings(stage), belongs))
    freed = _freed(stage)[row, column]
    # a comparison with a single item's unknown AVE is False for the wrong reason, so such a pair is left open
    known = np.isfinite(root[row]) & np.isfinite(root[column])
    met = np.where(known, (root[row] > freed) & (root[column] > freed), None)
    columns |= {
        "latent_correlation": stage.composite_correlation[row, column],
        "is_fornell_larcker_met": pd.array(met, dtype="boolean"),
    }
    return pd.DataFrame(columns).sort_values("htmt", ascending=False, kind="stable", ignore_index=True)


def _freed(stage: Solution) -> np.ndarray:
    """Absolute correlations of latent variables, freed of the errors of their items, shape (..., j, j)."""
    return np.abs(disattenuated(stage.composite_correlation, stage.reliability))


def _reading(frame: pd.DataFrame, groups: Sequence[Sequence[str]], found: Measured) -> str:
    first = frame.iloc[0]
    if not groups:
        return (
            f"All {len(frame):,} pairs of latent variables can be told apart. The most alike are {_pair_text(first)}; "
            f"n = {found.n:,}. Effects may be ranked."
        )
    blocked = frame[frame["is_blocked"]]
    pairs = "; ".join(f"{_pair_text(row)}: {row['why']}" for row in blocked.to_dict("records"))
    joined = "; ".join(joined_title(found.model, group) for group in groups)
    count = len(blocked)
    return (
        f"{count} of {len(frame)} pairs of latent variables cannot be told apart (n = {found.n:,}): {pairs}. "
        f"Effects of the single ones are not ranked. Join them ({joined}), reword their items, or ask others. "
        "What can still be said: the effects of what is joined, how much is explained (R2), and each index."
    )


def _pair_text(row: Mapping) -> str:
    second = lowered(row["second_title"])
    if np.isnan(row["htmt_low"]):
        return f"{row['first_title']} and {second} ({row['measure']} {row['htmt']:.2f}, interval not known)"
    return (
        f"{row['first_title']} and {second} ({row['measure']} {row['htmt']:.2f}, interval {row['htmt_low']:.2f} to "
        f"{row['htmt_high']:.2f})"
    )


def _judged(frame: pd.DataFrame, model: PathModel, most_htmt: float, most_upper: float) -> pd.DataFrame:
    """Add ``is_blocked`` and ``why``; the dimensions of one construct may be alike, for no path tells them apart."""
    same = [construct_of(model, one) == construct_of(model, other) for one, other in
            zip(frame["first"], frame["second"], strict=True)]  # fmt: skip
    high = frame["htmt"] >= most_htmt
    reaches = frame["htmt_high"] >= most_upper
    unknown = frame["htmt"].isna()
    why = np.select(
        [same, unknown, reaches & high, reaches, high],
        [
            "",
            "not known",
            f"at least {most_htmt:g}, and the interval reaches {most_upper:g}",
            f"the interval reaches {most_upper:g}",
            f"at least {most_htmt:g}",
        ],
        default="",
    )
    return frame.assign(is_blocked=why != "", why=why)


def _groups(names: Sequence[str], pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Connected components with more than one member, in the order of the model."""
    group = {name: {name} for name in names}
    for one, other in pairs:
        joined = group[one] | group[other]
        for name in joined:
            group[name] = joined
    found = dict.fromkeys(tuple(name for name in names if name in members) for members in group.values())
    order = {name: place for place, name in enumerate(names)}
    return tuple(sorted((one for one in found if len(one) > 1), key=lambda one: order[one[0]]))
