"""Segments of customers: by wealth; and whether clusters are there at all."""
