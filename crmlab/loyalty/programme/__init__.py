"""The points programme: ledger, redemption, liability, effects of membership, what it earns."""
