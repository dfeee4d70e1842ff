"""Runs notebooks over a bank and writes the report."""
