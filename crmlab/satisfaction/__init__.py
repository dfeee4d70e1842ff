"""Satisfaction: from the answers of a survey to an index, its causes, and what to improve."""
