"""Loyalty: how loyal customers are, what the points programme earns and owes, and whom to take care of now."""
