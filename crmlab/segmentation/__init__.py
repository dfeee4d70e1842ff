"""Segments of customers: by wealth."""
