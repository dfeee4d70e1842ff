"""Does the kit recover what is known: face validity of simulated banks, and estimates against the truth.

Only this part of the package opens the truth of a simulated bank, beside the simulation that writes it.
"""
