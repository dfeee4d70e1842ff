"""Who the customers are, how they come, go and use the bank, and whether the data can be trusted."""

from crmlab.customer_base.alarms import KINDS, Alarm, Checks, check
from crmlab.customer_base.feeds import coding, units
from crmlab.customer_base.headline import LABELS, headline, mend_first, trust
from crmlab.customer_base.holdings import customers, family_shares, products_held
from crmlab.customer_base.leaks import leaks
from crmlab.customer_base.monthly import drift
from crmlab.customer_base.movement import joiners_changed, month_starts, movement
from crmlab.customer_base.persons import dummy_customers, duplicates
from crmlab.customer_base.profile import age_profile, group_shares, tenure_profile
from crmlab.customer_base.quality import coverage, missing, months_covered, set_aside
from crmlab.customer_base.usage import active_by_month, channel_shares, flat_activity, intensity
from crmlab.customer_base.waves import waves

__all__ = [
    "KINDS",
    "LABELS",
    "Alarm",
    "Checks",
    "active_by_month",
    "age_profile",
    "channel_shares",
    "check",
    "coding",
    "coverage",
    "customers",
    "drift",
    "dummy_customers",
    "duplicates",
    "family_shares",
    "flat_activity",
    "group_shares",
    "headline",
    "intensity",
    "joiners_changed",
    "leaks",
    "mend_first",
    "missing",
    "month_starts",
    "months_covered",
    "movement",
    "products_held",
    "set_aside",
    "tenure_profile",
    "trust",
    "units",
    "waves",
]
