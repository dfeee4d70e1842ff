"""Learned segments: fitted once, kept with their preparation and names, applied to the next month's customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_samples

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.errors import refuse
from crmlab.segmentation.choice import LEAST_STRENGTH, TRIED, choose, floor_share, trial
from crmlab.segmentation.columns import Basis
from crmlab.segmentation.methods import KMeansMethod, Method
from crmlab.segmentation.naming import name_segments
from crmlab.segmentation.preparation import Preparation, refuse_unfit
from crmlab.segmentation.stability import RECOVERED, cluster_stability
from crmlab.stats import count_text, proportions, share_text

__all__ = ["EVERYBODY", "JUDGED_ON", "LEAST_CUSTOMERS", "SILHOUETTE_ON", "Segments"]

EVERYBODY = "All customers"
LEAST_CUSTOMERS = 100  # fewer say nothing about whether groups come back
JUDGED_ON, SILHOUETTE_ON = 3_000, 2_000
_MANY = 5_000  # customers that surely differ in many ways
_VERSION = 1


class Segments:
    """Segments of customers, learned from what they do or need.

    Parameters
    ----------
    basis : Basis
        What customers are compared by, and the words that may name a segment.
    method : Method, optional
        How to cluster; k-means on the prepared columns.
    k : int
        Number of segments; 0 lets the evidence choose. A number given is used even where the evidence is against it,
        and `verdict_` says so.
    most : int
        Largest number tried.
    resamples : int
        Bootstrap samples behind the stability of the segments kept; 0 learns the k segments without judging them.
    seed : int
        Same seed, same segments.

    Attributes
    ----------
    k_ : int
        Number of segments; 1 where no stable ones were found.
    found_ : bool
        Whether the k segments pass every test of `crmlab.segmentation.choice.trial`.
    verdict_ : str
        Why, in a sentence.
    labels_ : Series of str
        Segment of each customer it was fitted on.
    names_ : tuple of str
        Names, largest segment first.
    trial_ : DataFrame
        Evidence for each number tried, see `trial`.
    stability_ : DataFrame or None
        One row a segment: ``segment``, ``customers_count``, ``share`` with ``share_low``, ``share_high`` (Wilson),
        ``jaccard`` with ``jaccard_low``, ``jaccard_high``, ``dissolved_count``, ``recovered_count``,
        ``resamples_count``, ``silhouette``.
    profile_ : DataFrame
        Mean of each segment in each prepared column, in standard deviations from the mean of all.
    naming_ : Names
        Score, runner-up and rule of each name.
    dropped_ : dict of str to str
        Columns that could not be used, and why.

    Notes
    -----
    Names follow from the profile of a segment, never from its number: another seed, another order of the customers or a
    refit gives the same customers the same name as long as it finds the same groups.

    Stability is measured on at most 3,000 customers, silhouettes on 2,000, numbers of segments on 2,000.

    Examples
    --------
    >>> from crmlab.segmentation.columns import Column
    >>> rng = np.random.default_rng(1)
    >>> seen = pd.DataFrame({"acts": np.r_[rng.poisson(3, 200), rng.poisson(60, 200)],
    ...                      "phone": np.r_[rng.beta(2, 9, 200), rng.beta(9, 2, 200)]})
    >>> basis = Basis("use", (Column("acts", "Acts a month", "count"), Column("phone", "By phone", "share")),
    ...               {"Busy": {"acts": 1}, "Quiet": {"acts": -1}})
    >>> segments = Segments(basis, most=3).fit(seen)
    >>> segments.found_, segments.k_, sorted(segments.names_)
    (True, 2, ['Busy', 'Quiet'])
    >>> segments.predict(pd.DataFrame({"acts": [1, 80], "phone": [0.1, 0.9]})).tolist()
    ['Quiet', 'Busy']
    """

    def __init__(
        self,
        basis: Basis,
        *,
        method: Method | None = None,
        k: int = 0,
        most: int = 8,
        resamples: int = 100,
        seed: int = 1,
    ) -> None:
        self.basis = basis
        self.method = method if method is not None else KMeansMethod()
        self.k = k
        self.most = most
        self.resamples = resamples
        self.seed = seed

    def fit(self, frame: pd.DataFrame, *, outcomes: pd.DataFrame | None = None) -> Segments:
        """Learn the segments.

        Parameters
        ----------
        frame : DataFrame
            Basis frame: one row a customer, in original units; gaps allowed, further columns ignored.
        outcomes : DataFrame, optional
            What the segments should tell apart though they were not made from it; same customers in the same order.
        """
        self._refuse(frame, outcomes)
        self.preparation_ = Preparation(self.basis).fit(frame)
        self.dropped_ = dict(self.preparation_.dropped_)
        self.method_ = self.method.learn(self.basis, frame)
        self.customers_count_ = len(frame)
        rows = self.method_.rows(frame)
        different = len(np.unique(rows, axis=0)) if len(rows) < _MANY else len(rows)
        self._different = different
        if self.k > different:
            refuse(
                f"k: {self.k} segments are asked for, but the customers differ in {_counted(different, 'way')} only. "
                "Choose a smaller k."
            )
        self.trial_ = self._tried(frame, outcomes, different)
        return self._settle(frame, rows, self.k or choose(self.trial_))

    def settled_on(self, frame: pd.DataFrame, k: int) -> Segments:
        """Give the same segmentation with another number, by the evidence already gathered.

        Parameters
        ----------
        frame : DataFrame
            The customers it was fitted on.
        k : int
            A number that was tried.
        """
        again = copy(self)
        return again._settle(frame, again.method_.rows(frame), k)

    def _settle(self, frame: pd.DataFrame, rows: np.ndarray, chosen: int) -> Segments:
        """Learn `chosen` segments and describe them."""
        able = self.trial_.set_index("k")["is_admissible"]
        self.found_ = bool(chosen > 1 and able.get(chosen, False))
        self.verdict_ = self._verdict(chosen, len(frame))
        self.k_ = max(chosen, 1)
        if self.k_ == 1:
            return self._keep_one(frame)
        self._assign = self.method_.cluster(rows, self.k_, self.seed)
        codes = self._assign(rows)
        filled = len(np.unique(codes))
        if filled < self.k_:
            refuse(
                f"k: {self.k_} segments are asked for, but {self.method_.name} finds customers for {filled} only. "
                "Choose a smaller k."
            )
        prepared = self.preparation_.transform(frame)
        profile = np.array([prepared[codes == code].mean(axis=0) for code in range(self.k_)])
        self.profile_ = pd.DataFrame(profile - prepared.mean(axis=0), columns=list(self.preparation_.prepared_names_))
        sizes = np.bincount(codes, minlength=self.k_)
        self.naming_ = name_segments(self.profile_, self.basis.words, labels=self.basis.labels)
        self._by_code = self.naming_.names
        order = sorted(range(self.k_), key=lambda code: (-sizes[code], self._by_code[code]))
        self.names_ = tuple(self._by_code[code] for code in order)
        self.labels_ = self._named(codes, frame.index)
        self.stability_ = self._stability(rows, prepared, codes, order) if self.resamples else None
        return self

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        """Assign customers to the segments as learned: same rows, same order, name of the segment.

        Parameters
        ----------
        frame : DataFrame
            Basis frame with the columns of the basis; further columns are ignored. Of whom nothing is known has no
            segment.
        """
        if not hasattr(self, "names_"):
            refuse("Segments.predict: nothing was learned yet. Call fit first, or read a kept model.")
        refuse_unfit(self.basis, frame)
        if not len(frame):
            return pd.Series([], index=frame.index, name="segment", dtype="str")
        rows = self.method_.rows(frame)
        codes = self._assign(rows) if self.k_ > 1 else np.zeros(len(frame), dtype=int)
        known = frame[[column.name for column in self.basis.columns]].notna().any(axis=1)
        return self._named(codes, frame.index).where(known)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the preparation, the clusters and the names, nothing of any customer.

        Refused where a segment has under 10 customers: its centre would point at persons.
        """
        if not hasattr(self, "names_"):
            refuse("Segments.as_dict: nothing was learned yet. Call fit first.")
        smallest = self.labels_.value_counts().min() if self.k_ > 1 and hasattr(self, "labels_") else SMALLEST_GROUP
        if smallest < SMALLEST_GROUP:
            refuse(
                f"model: its smallest segment has {smallest} customers; kept, it would point at persons. Choose a "
                f"smaller k, so that each has {SMALLEST_GROUP}."
            )
        return {
            "kind": "crmlab segments",
            "version": _VERSION,
            "basis": self.basis.name,
            "columns": [column.name for column in self.basis.columns],
            "method": self.method_.name,
            "learned": self.method_.as_dict(),
            "clusters": self._assign.as_dict() if self.k_ > 1 else None,
            "names": list(self._by_code),
            "order": list(self.names_),
            "customers_count": self.customers_count_,
            "is_found": self.found_,
            "verdict": self.verdict_,
            "trial": _records(self.trial_),
            "stability": _records(self.stability_),
            "dropped": dict(self.dropped_),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any], basis: Basis, *, methods: Sequence[Method] = ()) -> Segments:
        """Make the segments that `as_dict` described, ready to predict.

        Parameters
        ----------
        kept : mapping
            What `as_dict` gave, or a JSON file read.
        basis : Basis
            The basis it was learned on.
        methods : sequence of Method
            Methods it may have used; k-means is known.
        """
        known = {one.name: one for one in (KMeansMethod(), *methods)}
        columns = [column.name for column in basis.columns]
        problems = [
            f"model: {what} is {found!r}, but {wanted!r} is needed. {cure}"
            for what, found, wanted, cure in (
                ("its kind", kept.get("kind"), "crmlab segments", "Name a file that a run kept under models/."),
                ("its version", kept.get("version"), _VERSION, "Learn the segments anew."),
                ("its basis", kept.get("basis"), basis.name, "Name a model of the same question."),
                ("the list of its columns", kept.get("columns"), columns, "Learn the segments anew."),
            )
            if found != wanted
        ]
        refuse(*problems)
        if kept["method"] not in known:
            refuse(f"model: the method {kept['method']!r} is not known here. Known are {', '.join(known)}.")
        model = cls(basis, method=known[kept["method"]], k=len(kept["names"]))
        model.method_ = model.method.from_dict(basis, kept["learned"])
        model.k_ = len(kept["names"])
        model._assign = model.method_.assign_from(kept["clusters"]) if model.k_ > 1 else None
        model._by_code, model.names_ = tuple(kept["names"]), tuple(kept["order"])
        model.found_, model.verdict_ = bool(kept["is_found"]), str(kept["verdict"])
        model.customers_count_, model.dropped_ = int(kept["customers_count"]), dict(kept["dropped"])
        model.trial_ = pd.DataFrame(kept["trial"], columns=list(TRIED))
        model.trial_["is_admissible"] = model.trial_["is_admissible"].astype(bool)
        model.stability_ = pd.DataFrame(kept["stability"]) if kept["stability"] else None
        return model

    def _refuse(self, frame: pd.DataFrame, outcomes: pd.DataFrame | None) -> None:
        n, there = len(frame), _counted(len(frame), "customer")
        refuse(
            *([f"k: {self.k!r} is no whole number. Give 1 or more, or 0."] if self.k != int(self.k) else []),
            *([f"k: {self.k} segments cannot be. Give 1 or more, or 0 to let us choose."] if self.k < 0 else []),
            *([f"k: {self.k} segments are more than the {there}. Choose fewer."] if self.k > n else []),
            *(
                ["resamples: 0 judges nothing, so k cannot be chosen. Give k, or 100 resamples."]
                if self.resamples < 1 and not self.k
                else []
            ),
            *([f"most: {self.most} is under 2. Give the largest number of segments to try."] if self.most < 2 else []),
            *(
                ["outcomes: their customers are not those of the frame in the same order. Reindex them."]
                if outcomes is not None and not outcomes.index.equals(frame.index)
                else []
            ),
            *(
                ["Segments.fit: customers are named twice in the index. Give one row a customer."]
                if frame.index.has_duplicates
                else []
            ),
        )  # fmt: skip

    def _tried(self, frame: pd.DataFrame, outcomes: pd.DataFrame | None, different: int) -> pd.DataFrame:
        """Try the numbers of segments that these customers can have."""
        largest = min(max(self.most, self.k), different - 1)
        if len(frame) < LEAST_CUSTOMERS or largest < 2 or not self.resamples:
            return pd.DataFrame(columns=list(TRIED))
        ks = range(2, largest + 1)
        return trial(frame, self.basis, self.method_, ks=ks, outcomes=outcomes, seed=self.seed)

    def _verdict(self, chosen: int, n: int) -> str:
        if not self.resamples:
            return "These segments were not judged."
        if self.k == 1:
            return "One group was asked for: nothing was learned."
        if not len(self.trial_) or (self.k and chosen not in set(self.trial_["k"])):
            why = (
                f"{_counted(n, 'customer')} {'is' if n == 1 else 'are'} too few to see whether groups come back; "
                f"{LEAST_CUSTOMERS} are needed"
                if n < LEAST_CUSTOMERS
                else f"the customers differ in {_counted(self._different, 'way')} only"
            )
            if self.k:
                return f"The number was given, but no segments can be told to be stable: {why}."
            return f"No segments can be told to be stable: {why}."
        table = self.trial_.set_index("k")
        if self.found_:
            row = table.loc[chosen]
            given = " were asked for and" if self.k else ""
            return (
                f"{chosen} segments{given} come back on other customers (prediction strength "
                f"{row['strength']:.2f}) and fit better than one crowd with the same columns and rank correlations."
            )
        which = chosen if chosen in table.index else self._nearest_miss()
        row = table.loc[which]
        fails = [
            (row["strength"] < LEAST_STRENGTH,
             f"prediction strength {row['strength']:.2f}, {LEAST_STRENGTH} is asked"),
            (row["weakest_jaccard"] < RECOVERED, f"weakest Jaccard {row['weakest_jaccard']:.2f}, {RECOVERED} is asked"),
            (row["smallest_share"] < floor_share(n),
             f"the smallest holds {share_text(row['smallest_share'])}, {share_text(floor_share(n))} is asked"),
            (row["gap"] <= row["gap_limit"], "one crowd with the same columns and rank correlations is parted as well"),
        ]  # fmt: skip
        told = "; ".join(words for failed, words in fails if failed)
        start = f"The {chosen} segments asked for are not stable" if self.k else "There are no stable segments"
        return f"{start}: {'' if self.k else f'nearest come {which}, but '}{told}."

    def _nearest_miss(self) -> int:
        """The number of segments that fails least: beats the crowd if any does, then by strength."""
        table = self.trial_.set_index("k")
        beats = table["gap"] > table["gap_limit"]
        return int((table[beats] if beats.any() else table)["strength"].idxmax())

    def _keep_one(self, frame: pd.DataFrame) -> Segments:
        self._assign, self._by_code, self.names_, self.stability_ = None, (EVERYBODY,), (EVERYBODY,), None
        self.profile_ = pd.DataFrame(np.zeros((1, len(self.preparation_.prepared_names_))),
                                     columns=list(self.preparation_.prepared_names_))  # fmt: skip
        self.naming_ = None
        self.labels_ = self._named(np.zeros(len(frame), dtype=int), frame.index)
        return self

    def _named(self, codes: np.ndarray, index: pd.Index) -> pd.Series:
        names = np.array(self._by_code, dtype=object)[codes]
        return pd.Series(names, index=index, name="segment", dtype="str")

    def _stability(
        self, rows: np.ndarray, prepared: np.ndarray, codes: np.ndarray, order: Sequence[int]
    ) -> pd.DataFrame:
        """Jaccard of each segment over bootstrap samples, matched to the segments of all customers."""
        rng = np.random.default_rng(self.seed)
        some = _some(rng, len(rows), JUDGED_ON)
        found = cluster_stability(
            rows[some], self.method_.cluster, self.k_, labels=codes[some], resamples=self.resamples, seed=self.seed
        )
        few = _some(rng, len(rows), SILHOUETTE_ON)
        wide = np.full(self.k_, np.nan)
        if 1 < len(set(codes[few])) < len(few):
            each = silhouette_samples(prepared[few], codes[few])  # on one scale, whatever the method
            wide = np.array([each[codes[few] == code].mean() if (codes[few] == code).any() else np.nan
                             for code in range(self.k_)])  # fmt: skip
        sizes = np.bincount(codes, minlength=self.k_)
        table = found.frame.drop(columns=["cluster", "size_count"])
        table.insert(0, "segment", list(self._by_code))
        table.insert(1, "customers_count", sizes)
        shares = proportions(sizes, len(codes))
        for place, column in enumerate(("share", "share_low", "share_high"), 2):
            table.insert(place, column, shares[column].to_numpy())
        table["resamples_count"] = found.resamples
        table["silhouette"] = wide
        return table.iloc[list(order)].reset_index(drop=True)


def _counted(number: int, noun: str) -> str:
    return f"{count_text(number)} {noun}" if number == 1 else f"{count_text(number)} {noun}s"


def _some(rng: np.random.Generator, n: int, most: int) -> np.ndarray:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Give the rows of a table as plain values; what is not a number is None."""
    if table is None:
        return []
    plain = table.astype(object).where(table.notna(), None)
    return [{k: v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in plain.to_dict("records")]
