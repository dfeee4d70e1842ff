"""Survey craft: reading and checking answers, weights, who answers, single questions, small branches."""
