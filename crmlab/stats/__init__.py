"""Statistics shared by topics: estimates with intervals, resampling, concentration, drift."""

from crmlab.stats.concentration import Concentration, concentration, gini, lorenz, top_share
from crmlab.stats.drift import PSI, out_of_line, psi
from crmlab.stats.estimate import Estimate, amount_text, count_text, share_text
from crmlab.stats.evidence import Evidence, estimates_of
from crmlab.stats.intervals import median, proportion, proportions, rate, rates
from crmlab.stats.power import smallest_difference, smallest_difference_of_means
from crmlab.stats.resampling import bootstrap, effective_count, percentile_limits, replicates, resample_weights
from crmlab.stats.transitions import transitions

__all__ = [
    "PSI",
    "Concentration",
    "Estimate",
    "Evidence",
    "amount_text",
    "bootstrap",
    "concentration",
    "count_text",
    "effective_count",
    "estimates_of",
    "gini",
    "lorenz",
    "median",
    "out_of_line",
    "percentile_limits",
    "proportion",
    "proportions",
    "psi",
    "rate",
    "rates",
    "replicates",
    "resample_weights",
    "share_text",
    "smallest_difference",
    "smallest_difference_of_means",
    "top_share",
    "transitions",
]
