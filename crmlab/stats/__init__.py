"""Statistics shared by topics: estimates, resampling, drift; splits in time, scores, calibration, profit, leaks."""

from crmlab.stats.adjusted_effects import Cuped, adjusted_difference, cuped
from crmlab.stats.calibration import BrierParts, CalibrationError, brier, calibration_error, reliability
from crmlab.stats.concentration import Concentration, concentration, gini, lorenz, top_share
from crmlab.stats.drift import PSI, out_of_line, psi
from crmlab.stats.effect_curves import RankedEffect, autoc, effects_by_group, gain_curve, mean_effect, qini
from crmlab.stats.effect_learners import EffectLearner, cross_fitted_effects
from crmlab.stats.estimate import Estimate, amount_text, count_text, share_text
from crmlab.stats.evidence import Evidence, estimates_of
from crmlab.stats.experiments import difference_of_means, difference_of_shares
from crmlab.stats.gains import cumulative_gains, kolmogorov_smirnov, lift, lift_difference
from crmlab.stats.heterogeneity import Heterogeneity
from crmlab.stats.intervals import median, proportion, proportions, rate, rates
from crmlab.stats.leaks import adversary, customers_twice, find_leaks, known_late, leak_report, time_travel, too_good
from crmlab.stats.list_profit import ListComparison, compare_lists
from crmlab.stats.power import smallest_difference, smallest_difference_of_means, trial_size
from crmlab.stats.profit import MaximumProfit, RetentionOffer, expected_maximum_profit, maximum_profit, profit_curve
from crmlab.stats.ranking import auc, auc_by_period, auc_within_periods, average_precision, ranking_difference
from crmlab.stats.recalibration import (
    CalibrationLine,
    Calibrator,
    calibration_line,
    move_to_base_rate,
    repair_intercept,
)
from crmlab.stats.resampling import bootstrap, effective_count, percentile_limits, replicates, resample_weights
from crmlab.stats.subgroups import subgroups
from crmlab.stats.targeting import break_even_effect, expected_net_value, within_limits
from crmlab.stats.time_splits import TimeSplit, rolling_origin, shuffled_folds, split_table
from crmlab.stats.transitions import transitions
from crmlab.stats.trial_arms import SampleRatio, sample_ratio

__all__ = [
    "PSI",
    "BrierParts",
    "CalibrationError",
    "CalibrationLine",
    "Calibrator",
    "Concentration",
    "Cuped",
    "EffectLearner",
    "Estimate",
    "Evidence",
    "Heterogeneity",
    "ListComparison",
    "MaximumProfit",
    "RankedEffect",
    "RetentionOffer",
    "SampleRatio",
    "TimeSplit",
    "adjusted_difference",
    "adversary",
    "amount_text",
    "auc",
    "auc_by_period",
    "auc_within_periods",
    "autoc",
    "average_precision",
    "bootstrap",
    "break_even_effect",
    "brier",
    "calibration_error",
    "calibration_line",
    "compare_lists",
    "concentration",
    "count_text",
    "cross_fitted_effects",
    "cumulative_gains",
    "cuped",
    "customers_twice",
    "difference_of_means",
    "difference_of_shares",
    "effective_count",
    "effects_by_group",
    "estimates_of",
    "expected_maximum_profit",
    "expected_net_value",
    "find_leaks",
    "gain_curve",
    "gini",
    "known_late",
    "kolmogorov_smirnov",
    "leak_report",
    "lift",
    "lift_difference",
    "lorenz",
    "maximum_profit",
    "mean_effect",
    "median",
    "move_to_base_rate",
    "out_of_line",
    "percentile_limits",
    "profit_curve",
    "proportion",
    "proportions",
    "psi",
    "qini",
    "ranking_difference",
    "rate",
    "rates",
    "reliability",
    "repair_intercept",
    "replicates",
    "resample_weights",
    "rolling_origin",
    "sample_ratio",
    "share_text",
    "shuffled_folds",
    "smallest_difference",
    "smallest_difference_of_means",
    "split_table",
    "subgroups",
    "time_travel",
    "too_good",
    "top_share",
    "transitions",
    "trial_size",
    "within_limits",
]
