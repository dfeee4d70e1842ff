"""Charts in the house style: a finished frame in, Axes out. No chart computes an estimate."""

from crmlab.charts.bars import bars, columns, composition, dots, pyramid
from crmlab.charts.calibration import reliability_diagram
from crmlab.charts.cards import cells_grid, segment_cards
from crmlab.charts.control import control_chart
from crmlab.charts.gains import profit_by_length
from crmlab.charts.lifecycle import cohort_cells, stage_flow, survival_causes
from crmlab.charts.moves import worth_of_moves
from crmlab.charts.satisfaction import likeness_matrix, path_matrix, performance_map
from crmlab.charts.segments import heat_strip, jaccard_dots, trial_of_k
from crmlab.charts.suitability import suitability_matrix
from crmlab.charts.time import comings, coverage, lines, panels
from crmlab.charts.truths import against_truth
from crmlab.charts.value import forecast_calibration, tornado, whale_curve
from crmlab.charts.wealth import lorenz_curve, transition_matrix

# what the shares of `crmlab.stats.proportions` are called
SHARE = {"value": "share", "low": "share_low", "high": "share_high", "unit": "share"}

__all__ = [
    "against_truth",
    "bars",
    "cells_grid",
    "cohort_cells",
    "columns",
    "comings",
    "composition",
    "control_chart",
    "coverage",
    "dots",
    "forecast_calibration",
    "heat_strip",
    "jaccard_dots",
    "likeness_matrix",
    "lines",
    "lorenz_curve",
    "panels",
    "path_matrix",
    "performance_map",
    "profit_by_length",
    "pyramid",
    "reliability_diagram",
    "segment_cards",
    "stage_flow",
    "suitability_matrix",
    "survival_causes",
    "tornado",
    "transition_matrix",
    "trial_of_k",
    "whale_curve",
    "worth_of_moves",
]
