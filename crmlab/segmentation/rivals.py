"""Rival ways to cluster the same customers, judged by the same evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

from crmlab.errors import refuse
from crmlab.segmentation.agreement import adjusted_rand, agreement
from crmlab.segmentation.columns import Basis
from crmlab.segmentation.encoding import Encoding
from crmlab.segmentation.segments import Segments
from crmlab.stats import Estimate, Evidence, count_text

__all__ = ["gower", "rivals"]

_SAMPLE, _SILHOUETTE_SAMPLE = 2_000, 1_000
_ALIKE = 0.8  # adjusted Rand index from which two groupings agree well (Steinley 2004: good)
_COLUMNS = [
    *("method", "k", "strength", "strength_error", "strength_null", "weakest_jaccard", "silhouette"),
    *("smallest_share", "usefulness", "usefulness_error", "agreement", "is_admissible", "is_chosen", "is_best"),
]


def gower(frame: pd.DataFrame, basis: Basis) -> np.ndarray:
    """Say how unlike any two customers are, over words, flags and numbers; favours no method.

    Parameters
    ----------
    frame : DataFrame
        Basis frame, one row a customer; some thousands at most.
    basis : Basis
        Its columns.

    Returns
    -------
    ndarray
        Shape (customers, customers), 0 (alike) to 1: the mean over columns of 1 where words differ, and of the distance
        of prepared numbers in their range. Columns not known of both are left out of the pair; a pair with none in
        common gets the mean of all pairs.

    References
    ----------
    Gower (1971), Biometrics 27. Two customers who both lack a product count as alike in it.

    Examples
    --------
    >>> from crmlab.segmentation.columns import Column
    >>> basis = Basis("b", (Column("saves", "Saves", "flag"), Column("age", "Age", "number")))
    >>> seen = pd.DataFrame({"saves": [True, True, False, None], "age": [20.0, 40.0, 60.0, 60.0]})
    >>> seen.loc[4] = seen.loc[0]
    >>> gower(seen, basis).round(2).tolist()[0]
    [0.0, 0.25, 1.0, 1.0, 0.0]
    """
    encoding = Encoding(basis).fit(frame)
    rows = encoding.transform(frame)
    unlike, shared = np.zeros((len(rows), len(rows))), np.zeros((len(rows), len(rows)))
    for part in encoding.parts:
        block = rows[:, part.here]
        known = block.sum(axis=1) if part.words else block[:, 0]
        both = np.outer(known, known)
        shared += both
        if part.words:
            unlike += both - block @ block.T
        else:
            numbers = block[:, 1]
            unlike += both * np.abs(numbers[:, None] - numbers[None, :]) / np.ptp(numbers[known > 0])
    found = np.where(shared > 0, unlike / np.maximum(shared, 1), np.nan)
    found = np.where(np.isnan(found), np.nanmean(found) if (shared > 0).any() else 0.0, found)
    np.fill_diagonal(found, 0.0)
    return np.maximum(found, 0.0)


def rivals(models: Sequence[Segments], frame: pd.DataFrame, *, seed: int = 1) -> Evidence:
    """Lay ways to cluster the same customers beside each other, and choose.

    Parameters
    ----------
    models : sequence of Segments
        Two or more, fitted on this frame by different methods.
    frame : DataFrame
        The basis frame.
    seed : int
        Same seed, same result.

    Returns
    -------
    Evidence
        Frame, one row a method and number of segments: ``method``, ``k``, what its trial says (``strength`` with
        ``strength_error`` and ``strength_null``, ``weakest_jaccard``, ``smallest_share``, ``usefulness`` with
        ``usefulness_error``, ``is_admissible``), ``silhouette`` (mean, in Gower's dissimilarity), ``agreement`` (mean
        adjusted Rand index with the other methods at the same k), ``is_chosen`` (what the method alone would take) and
        ``is_best``. Estimates where there is a best: ``best_count`` (segments), ``agreement`` (adjusted Rand index of
        the best with its nearest rival at that number).

    Notes
    -----
    The methods assume different things, so groups that they find alike are there whatever one assumes. Of the numbers
    that every method finds stable, the largest is taken at which they agree (adjusted Rand index .8 or more; where
    there is none, the number of largest agreement); where they share no stable number, each method's own choice. Of the
    methods that which gains most strength over one crowd is best: clusters that come back in a crowd too come from the
    way columns are cut, not from kinds of customers.

    Clusters, silhouettes and agreement are those of at most 2,000 customers drawn, silhouettes of 1,000.
    """
    if len(models) < 2 or len({model.method_.name for model in models}) < len(models):
        refuse("rivals: fewer than two methods, or one twice. Give two or more Segments fitted by different methods.")
    few = [model.method_.name for model in models if not len(model.trial_)]
    if few:
        why = "; ".join(dict.fromkeys(model.verdict_ for model in models))
        empty = pd.DataFrame(columns=_COLUMNS)
        return Evidence(empty, "Too little to compare methods", _about(len(frame)), why, {})
    some = _drawn(frame, _SAMPLE, seed)
    labels = {model.method_.name: _clusterings(model, some, seed) for model in models}
    far = _Distance(some, models[0].basis)
    tables = []
    for model in models:
        name = model.method_.name
        table = model.trial_.copy()
        others = [other for other in labels if other != name]
        table.insert(0, "method", name)
        table["silhouette"] = [far.silhouette(labels[name][k]) for k in table["k"]]
        table["agreement"] = [
            np.mean([_rand(labels[name][k], labels[o][k]) for o in others if k in labels[o]] or [np.nan])
            for k in table["k"]
        ]
        table["is_chosen"] = (table["k"] == model.k_) & model.found_
        tables.append(table)
    together = pd.concat(tables, ignore_index=True)
    best = _best(together, len(models))
    together["is_best"] = together.index == best
    return _told(together[_COLUMNS], best, labels, some, len(frame), seed)


class _Distance:
    """Gower's dissimilarities of the first of the customers drawn, computed once."""

    def __init__(self, some: pd.DataFrame, basis: Basis) -> None:
        self.matrix = gower(some.iloc[:_SILHOUETTE_SAMPLE], basis)

    def silhouette(self, labels: np.ndarray) -> float:
        few = labels[: len(self.matrix)]
        if not 1 < len(set(few)) < len(few):
            return float("nan")
        return float(silhouette_score(self.matrix, few, metric="precomputed"))


def _drawn(frame: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Draw customers, in random order so that any first part of them is a sample as well."""
    return frame.iloc[np.random.default_rng(seed).permutation(len(frame))[:most]]


def _clusterings(model: Segments, some: pd.DataFrame, seed: int) -> dict[int, np.ndarray]:
    rows = model.method_.rows(some)
    return {int(k): model.method_.cluster(rows, int(k), seed)(rows) for k in model.trial_["k"]}


def _rand(one: np.ndarray, other: np.ndarray) -> float:
    return adjusted_rand(pd.crosstab(one, other).to_numpy())


def _best(together: pd.DataFrame, methods: int) -> int:
    """Row of the best, -1 where no method has found stable segments."""
    able = together[together["is_admissible"]]
    shared = able[able.groupby("k")["method"].transform("size") == methods]
    if len(shared):
        alike = shared.groupby("k")["agreement"].mean()
        k = alike[alike >= _ALIKE].index.max() if (alike >= _ALIKE).any() else alike.idxmax()
        able = shared[shared["k"] == k]
    else:
        able = able[able["is_chosen"]]
    return int((able["strength"] - able["strength_null"]).idxmax()) if len(able) else -1


def _told(
    together: pd.DataFrame, best: int, labels: dict[str, dict[int, np.ndarray]], some: pd.DataFrame, n: int, seed: int
) -> Evidence:
    own = [
        _own_choice(name[0].upper() + name[1:], part.loc[part["is_chosen"], "k"])
        for name, part in together.groupby("method", sort=False)
    ]
    if best < 0:
        return Evidence(
            together,
            "No method finds stable segments",
            _about(n),
            "No method finds stable segments, at any number.",
            {},
        )
    row = together.loc[best]
    k, name = int(row["k"]), str(row["method"])
    against = [(other, labels[other][k]) for other in labels if other != name and k in labels[other]]
    estimates = {"best_count": Estimate(float(k), unit="count", n=n)}
    alike = ""
    if against:
        found = [
            agreement(_named(labels[name][k], some), _named(other, some), seed=seed, names=(name, word))[
                "adjusted_rand"
            ]
            for word, other in against
        ]
        near = int(np.argmax([one.value for one in found]))
        estimates["agreement"] = found[near]
        alike = f" At {k}, {name} and {against[near][0]} agree: adjusted Rand index {found[near].text}."
    score = f"{row['strength']:.2f}, in one crowd {row['strength_null']:.2f}"
    everywhere = int(together.loc[together["k"] == k, "is_admissible"].sum())
    return Evidence(
        together,
        title=_title(k, everywhere, len(labels)),
        about=_about(n),
        reading=f"{' '.join(own)}{alike} Best are the {k} segments of {name}: prediction strength "
        f"{score}; weakest Jaccard {row['weakest_jaccard']:.2f}.",
        estimates=estimates,
    )


def _own_choice(method: str, taken: pd.Series) -> str:
    return f"{method} alone would take {int(taken.iloc[0]):d}." if len(taken) else f"{method} alone would take none."


def _title(k: int, able: int, methods: int) -> str:
    every = "Both methods find" if methods == 2 else f"All {methods} methods find"
    if able == methods:
        return f"{every} {k} stable segments"
    return f"{k} stable segments, found by {able} of {methods} methods"


def _named(labels: np.ndarray, some: pd.DataFrame) -> pd.Series:
    return pd.Series(labels.astype(str), index=some.index, dtype="str")


def _about(n: int) -> str:
    return (
        f"Each method and number of segments by the same evidence; {count_text(n)} customers, of whom at most 2,000 "
        "were drawn; error: one standard error"
    )
