"""Statistics shared by topics: estimates with intervals, resampling, concentration, drift."""

from crmlab.stats.estimate import Estimate, amount_text, count_text, share_text

__all__ = ["Estimate", "amount_text", "count_text", "share_text"]
