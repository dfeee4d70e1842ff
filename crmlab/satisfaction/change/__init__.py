"""Change over time: waves, control charts, branches, and whether measures worked."""
