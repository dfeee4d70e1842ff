"""Churn: who will leave, why, and whom to call."""
