"""Cohorts of joiners: how many are still there by age, and how the young ones will go on."""
