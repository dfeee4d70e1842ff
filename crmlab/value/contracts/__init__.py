"""Contracts that are renewed or not: how long customers stay, from one table of survivors."""
