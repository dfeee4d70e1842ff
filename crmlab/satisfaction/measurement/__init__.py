"""Can the instrument be trusted: reliability, what can be told apart, fit, and comparison of groups and waves."""
