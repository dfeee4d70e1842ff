"""Satisfaction: from survey to index to what to improve."""
