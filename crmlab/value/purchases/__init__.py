"""Purchases without a contract: how often customers buy, whether they still do, and what they spend."""
