"""Bank margin by customer and month: net interest, fees, cost to serve, expected loss; the value of the past."""
