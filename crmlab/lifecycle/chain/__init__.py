"""Stages as a Markov chain: chances to move, time to the end, value by stage, policies, forecasts."""
