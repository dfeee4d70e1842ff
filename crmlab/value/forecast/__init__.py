"""Expected value over a horizon: leaving, margin of those who stay, discount; intervals and out-of-time judging."""
