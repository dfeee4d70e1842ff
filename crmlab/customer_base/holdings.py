"""What the customers hold: product families and number of products."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.bank.tables import FAMILIES
from crmlab.stats import Estimate, Evidence, bootstrap, count_text, proportion, proportions, share_text

__all__ = ["family_shares", "products_held"]

_MOST = 5


def family_shares(seen: pd.DataFrame) -> Evidence:
    """Count who holds at least one product of each family.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``<family>_count`` columns.

    Returns
    -------
    Evidence
        Frame: ``family``, ``customers_count``, ``share`` with Wilson limits, ``n``; families that fewer than
        10 customers hold are left out and named in the reading.
    """
    names = [name for name in FAMILIES if f"{name}_count" in seen]
    if not names:
        unknown = "This bank has no accounts; only the number of products is known."
        return Evidence(pd.DataFrame(), "Products by family are not known", "", unknown)
    counts = pd.Series({name.replace("_", " "): int((seen[f"{name}_count"] > 0).sum()) for name in names}, dtype=int)
    rare = ", ".join(counts.index[(counts > 0) & (counts < SMALLEST_GROUP)])
    counts = counts[counts >= SMALLEST_GROUP].sort_values(ascending=False, kind="stable").rename("customers_count")
    frame = pd.concat([counts, proportions(counts, len(seen))], axis=1).rename_axis("family").reset_index()
    few = f"Fewer than {SMALLEST_GROUP} customers hold {rare}." if rare else ""
    if not len(frame):
        return Evidence(frame, "Hardly any product is open", "", few or "No customer holds an open product.")
    first = frame.iloc[0]
    title = f"{share_text(first['share'])} hold a product of family {first['family']}"
    said = (
        f"Of {count_text(len(seen))} customers {share_text(first['share'])} hold a product of family {first['family']}"
    )
    if len(frame) > 1:
        next_share, next_family = share_text(frame.iloc[1]["share"]), frame.iloc[1]["family"]
        title = f"{share_text(first['share'])} hold a product of family {first['family']}; {next_share} {next_family}"
        said = (
            f"Of {count_text(len(seen))} customers {share_text(first['share'])} hold a product of family "
            f"{first['family']} and {next_share} {next_family}"
        )
    rest = f" The rarest family shown is {frame.iloc[-1]['family']} ({share_text(frame.iloc[-1]['share'])})."
    return Evidence(
        frame,
        title=title,
        about=f"Customers with at least one open product of the family, % of {count_text(len(seen))}; "
        "Wilson 95 % interval",
        reading=f"{said}." + (rest if len(frame) > 2 else "") + (few and f" {few}"),
    )


def products_held(seen: pd.DataFrame) -> Evidence:
    """Count customers by the number of different products they hold.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``products_count``.

    Returns
    -------
    Evidence
        Frame: ``products`` (0, 1, ... 5 and more), ``customers_count``, ``share`` with limits, ``n``. Estimates:
        ``products_mean``, ``one_product_share``, ``no_product_share``.
    """
    held = seen["products_count"].dropna()
    top = held.clip(upper=_MOST).astype(int)
    names = [str(k) for k in range(_MOST)] + [f"{_MOST:d} and more"]
    counts = top.value_counts().reindex(range(_MOST + 1), fill_value=0).rename("customers_count")
    counts.index = names
    frame = pd.concat([counts, proportions(counts, len(held))], axis=1).rename_axis("products").reset_index()
    mean = bootstrap(lambda values, weights: np.average(values, weights=weights), held, unit="products")
    one = proportion((held == 1).sum(), len(held))
    none = proportion((held == 0).sum(), len(held))
    return Evidence(
        frame,
        title=f"{mean.value:.2f} products a customer; {one.short} hold only one",
        about=f"Share of {count_text(len(held))} customers by number of different products, %; Wilson 95 % interval",
        reading=f"A customer holds {mean.text} on average. {one.text} hold exactly one, and {none.short} "
        "hold none of their own.",
        estimates={"products_mean": mean, "one_product_share": one, "no_product_share": none},
    )


def customers(seen: pd.DataFrame) -> Estimate:
    """Count the customers of a snapshot."""
    return Estimate(float(len(seen)), unit="count")
