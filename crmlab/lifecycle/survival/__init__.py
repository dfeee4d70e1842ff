"""How long relations last: Kaplan-Meier, competing causes, monthly hazards with drivers that change."""
