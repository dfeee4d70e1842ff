"""Satisfaction: from a survey to an index, to what to improve first."""
