"""Ways to cluster customers, each with its own preparation, all with the same four acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from crmlab.segmentation.columns import Basis
from crmlab.segmentation.kmeans import Centres, kmeans
from crmlab.segmentation.preparation import Preparation

__all__ = ["Assign", "KMeansMethod", "Method"]


class Assign(Protocol):
    """Assigns rows to clusters found earlier."""

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Give the cluster of each row, 0 to k - 1."""

    def misfit(self, rows: np.ndarray) -> float:
        """Say how badly the clusters fit the rows; lower fits better."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""


class Method(Protocol):
    """A way to cluster."""

    name: str

    def learn(self, basis: Basis, frame: pd.DataFrame) -> Method:
        """Learn how to prepare customers; return a method that can."""

    def rows(self, frame: pd.DataFrame) -> np.ndarray:
        """Prepare customers, shape (customers, features)."""

    def cluster(self, rows: np.ndarray, k: int, seed: int) -> Assign:
        """Find k clusters among prepared rows."""

    def quick(self) -> Method:
        """Give the same with fewer starts, where many clusterings are compared with each other."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values of what was learned, for JSON."""

    def from_dict(self, basis: Basis, kept: Mapping[str, Any]) -> Method:
        """Make the learned method that `as_dict` described."""

    def assign_from(self, kept: Mapping[str, Any]) -> Assign:
        """Make the assignment that its `as_dict` described."""


@dataclass(frozen=True)
class KMeansMethod:
    """k-means on prepared columns: round groups of like size in the columns' common scale.

    Parameters
    ----------
    starts : int
        Random starts, of which the best is kept.
    """

    starts: int = 20
    preparation: Preparation | None = field(default=None, repr=False)
    name: str = field(default="k-means", init=False)

    def learn(self, basis: Basis, frame: pd.DataFrame) -> KMeansMethod:
        """Learn the preparation of the columns."""
        return replace(self, preparation=Preparation(basis).fit(frame))

    def rows(self, frame: pd.DataFrame) -> np.ndarray:
        """Prepare customers, shape (customers, prepared columns)."""
        return self.preparation.transform(frame)

    def cluster(self, rows: np.ndarray, k: int, seed: int) -> Centres:
        """Find k means."""
        return kmeans(rows, k, seed, starts=self.starts)

    def quick(self) -> KMeansMethod:
        """Give the same with three starts."""
        return replace(self, starts=3)

    def as_dict(self) -> dict[str, Any]:
        """Plain values of the preparation."""
        return {"starts": self.starts, "preparation": self.preparation.as_dict()}

    def from_dict(self, basis: Basis, kept: Mapping[str, Any]) -> KMeansMethod:
        """Make the learned method that `as_dict` described."""
        return KMeansMethod(kept["starts"], Preparation.from_dict(basis, kept["preparation"]))

    def assign_from(self, kept: Mapping[str, Any]) -> Centres:
        """Make the centres that their `as_dict` described."""
        return Centres.from_dict(kept)
