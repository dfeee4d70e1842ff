"""What counts as leaving, on the page: rates by definition, who was left out, and how much hangs on the choice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.churn.definitions.lab import DefinitionLab
from crmlab.churn.study import ChurnStudy
from crmlab.stats.evidence import Evidence

__all__ = ["RATES", "audit_table", "lab_reading", "rates_by_definition", "variants_table"]

# how `crmlab.charts.dots` draws the rates
RATES = {"label": "label", "value": "share", "low": "share_low", "high": "share_high", "n": "n",
         "quantity": "Leave", "unit": "share"}  # fmt: skip


def rates_by_definition(lab: DefinitionLab | None) -> Evidence | None:
    """Return the rate of each definition and threshold over the window that all share, for `crmlab.charts.dots`."""
    if lab is None or not len(lab.rates.frame):
        return None
    months = int(lab.rates.frame["months"].iloc[0])
    rows = lab.variants.frame
    same = rows[rows["months"] == months] if len(rows) else rows
    frame = same.assign(label=[_label(row) for row in same.itertuples()]) if len(same) else lab.rates.frame.assign(
        label=lab.rates.frame["definition"].str.replace("_", " ")
    )  # fmt: skip
    frame = frame.dropna(subset=["share"])
    low, high = frame["share"].min(), frame["share"].max()
    return Evidence(
        frame,
        title=f"{100 * low:.1f} to {100 * high:.1f} % leave, as it is defined" if len(frame) > 1 else "How many leave",
        about=f"Share who leave within {months} months, by definition and fall asked for; Wilson 95 %",
        reading=lab_reading(lab),
        estimates=lab.rates.estimates,
    )


def lab_reading(lab: DefinitionLab) -> str:
    """Say what the lab found in three sentences."""
    parts = [lab.rates.reading]
    parts += [one.reading for one in (lab.false_silence, lab.lead) if one is not None and one.estimates]
    if lab.overlap.frame.shape[0] and lab.overlap.frame["either_count"].sum():
        parts.append(lab.overlap.reading)
    if lab.why:
        parts.append(f"{lab.why[0].upper()}{lab.why[1:]}.")
    return " ".join(parts)


def variants_table(lab: DefinitionLab) -> pd.DataFrame:
    """Return definitions by window: share who leave, and how far the list is still the same."""
    rows = lab.variants.frame
    kept = rows[(rows["fall_share"].isna()) | (rows["fall_share"] == 0.7)]
    table = kept.assign(definition=kept["definition"].str.replace("_", " "), months=kept["months"].astype(int))
    table = table[["definition", "months", "n", "left_count", "share", "share_low", "share_high", "jaccard_share"]]
    return table.rename(columns={"left_count": "left", "jaccard_share": "same_list_share"}).reset_index(drop=True)


def audit_table(study: ChurnStudy) -> pd.DataFrame:
    """Return where the customers of the latest date learned from went: all, left out by reason, in question, left."""
    audit = study.panel.audit
    if not len(audit):
        return pd.DataFrame()
    last = audit.iloc[-1]
    reasons = [name for name in audit if name not in ("as_of", "customers_count", "n", "left_count") and last[name] > 0]
    rows = [("customers of the date", int(last["customers_count"]))]
    rows += [(f"left out: {name}", int(last[name])) for name in reasons]
    rows += [("in question", int(last["n"])), (study.definition.verb, int(last["left_count"]))]
    return pd.DataFrame(rows, columns=["what", "customers_count"])


def _label(row: object) -> str:
    name = row.definition.replace("_", " ")
    return name if np.isnan(row.fall_share) else f"{name}, fall of {100 * row.fall_share:.0f} %"
