"""Speaking to customers, for all topics: who may be contacted, action lists, and what trials of campaigns showed."""
