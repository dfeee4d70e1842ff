"""Who the customers are, how they come, go and use the bank, and whether the data can be trusted."""

from crmlab.customer_base.headline import LABELS, headline, trust
from crmlab.customer_base.holdings import customers, family_shares, products_held
from crmlab.customer_base.monthly import drift
from crmlab.customer_base.movement import joiners_changed, month_starts, movement
from crmlab.customer_base.profile import age_profile, group_shares, tenure_profile
from crmlab.customer_base.quality import coverage, duplicates, missing, months_covered, set_aside
from crmlab.customer_base.usage import active_by_month, channel_shares, flat_activity, intensity

__all__ = [
    "LABELS",
    "active_by_month",
    "age_profile",
    "channel_shares",
    "coverage",
    "customers",
    "drift",
    "duplicates",
    "family_shares",
    "flat_activity",
    "group_shares",
    "headline",
    "intensity",
    "joiners_changed",
    "missing",
    "month_starts",
    "months_covered",
    "movement",
    "products_held",
    "set_aside",
    "tenure_profile",
    "trust",
]
