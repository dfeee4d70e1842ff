"""Does the kit recover what is known: face validity of simulated banks, and estimates against the truth."""
