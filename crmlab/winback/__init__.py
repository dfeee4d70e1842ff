"""Winning back: who was lost and why, who comes back, what a second life is worth, and whom to speak to."""
