"""One row a customer at a date: one definition of every feature, on any engine."""

from crmlab.snapshots.dictionary import feature_dictionary
from crmlab.snapshots.feature import Feature
from crmlab.snapshots.features import FEATURES
from crmlab.snapshots.frame import snapshot
from crmlab.snapshots.outcome import OutcomeWindow, label, outcome_window
from crmlab.snapshots.sql import Statement, snapshot_sql

__all__ = [
    "FEATURES",
    "Feature",
    "OutcomeWindow",
    "Statement",
    "feature_dictionary",
    "label",
    "outcome_window",
    "snapshot",
    "snapshot_sql",
]
