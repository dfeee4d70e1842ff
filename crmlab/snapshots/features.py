"""The features of the snapshot, each defined once. `crmlab/snapshots/README.md` is generated from here."""

from __future__ import annotations

from crmlab.bank.tables import FAMILIES
from crmlab.snapshots.blocks import ASSET_FAMILIES, DEBT_FAMILIES, SHARE_CHANNELS, WINDOWS
from crmlab.snapshots.feature import Feature
from crmlab.snapshots.needs import needs_of

__all__ = ["FEATURES", "FLAT_FEATURES"]


def _feature(name: str, kind: str, window: str, about: str, sql: str) -> Feature:
    return Feature(name, kind, window, about, sql, needs_of(sql))


def _share(part: str, whole: str) -> str:
    return f"case when {whole} > 0 then cast({part} as double) / cast({whole} as double) end"


def _change(state: str) -> str:
    """(last 3 months - the 3 before) / the 3 before, from whole numbers, divided once."""
    last, both = f"{state}_3m", f"{state}_6m"
    return (
        f"case when {both} - {last} > 0 then cast(2 * {last} - {both} as double) / cast({both} - {last} as double) end"
    )


def _days_since(day: str) -> str:
    return f"datediff('day', {day}, {{as_of}})"


def _profile(name: str, kind: str, about: str) -> Feature:
    sql = f"coalesce(profile.{name}, false)" if kind == "flag" else f"profile.{name}"
    return _feature(name, kind, "at the extract", about, sql)


def _district(name: str, kind: str, about: str) -> Feature:
    known = f"case when profile.district_facts_on <= {{as_of}} then profile.{name} end"
    return _feature(name, kind, "on the date", f"{about}; empty before the figures were known", known)


# Only whole years that are over count: the month and day are compared as month * 100 + day.
_AGE = (
    "{as_of_year} - year(profile.birth_on)"
    " - case when month(profile.birth_on) * 100 + day(profile.birth_on) > {as_of_month_day} then 1 else 0 end"
)
# A salary by kind: booked as salary or pension. Without any in 6 months: a regular, similar, main inflow.
_BY_KIND = "activity.salary_months_6m > 0 and activity.salary_months_3m >= 2"
_BY_RULE = (
    "activity.salary_months_6m = 0 and activity.inflow_months_6m >= 5 and activity.inflow_months_3m >= 2"
    " and 2 * activity.inflow_most_6m <= 3 * activity.inflow_least_6m"
    " and 2 * activity.inflow_6m >= activity.received_6m"
)
_MONTHS = "last {} month{}".format


def _windowed(pattern: str, kind: str, about: str, column: str) -> list[Feature]:
    return [
        _feature(pattern.format(months), kind, _MONTHS(months, "s" if months > 1 else ""), about, f"{column}_{months}m")
        for months in WINDOWS
    ]


_PROFILE = [
    _feature("age_years", "years", "on the date", "age in whole years", _AGE),
    _profile("gender", "word", "gender as recorded"),
    _profile("region", "word", "region of residence"),
    _profile("district", "word", "district or town of residence"),
    _profile("branch", "word", "branch that looks after the customer"),
    _profile("occupation", "word", "occupation group"),
    _profile("education", "word", "highest education"),
    _profile("marital_status", "word", "marital status"),
    _profile("income_amount", "monthly_money", "net income a month, declared or verified"),
    _feature("tenure_days", "days", "on the date", "days since the relation began", _days_since("profile.joined_on")),
    _profile("acquisition_channel", "word", "channel through which the customer came"),
    _profile("preferred_channel", "word", "channel the customer asked for"),
    _feature(
        "risk_tolerance",
        "word",
        "on the date",
        "investor class, C1 cautious to C5 aggressive; empty before the questionnaire",
        "case when profile.risk_assessed_on <= {as_of} then profile.risk_tolerance end",
    ),
    *(
        _profile(f"is_{channel}_allowed", "flag", f"may be contacted by {words}; unknown counts as no")
        for channel, words in {"email": "e-mail", "sms": "SMS", "phone": "phone", "social": "social media"}.items()
    ),
    _district("district_inhabitants_count", "number", "inhabitants of the district"),
    _district("district_urban_share", "share", "share of the district's inhabitants living in towns"),
    _district("district_salary_amount", "monthly_money", "average salary a month in the district"),
    _district("district_unemployment_share", "share", "unemployment rate of the district"),
    _district("district_entrepreneurs_share", "share", "entrepreneurs per inhabitant of the district"),
    _district("district_crimes_count", "number", "crimes a year in the district"),
]

_HOLDINGS = [
    _feature("accounts_count", "count", "on the date", "accounts and contracts open", "holding.accounts"),
    _feature("products_count", "count", "on the date", "different products held", "holding.products"),
    _feature("families_count", "count", "on the date", "different product families held", "holding.families"),
    *(
        _feature(f"{name}_count", "count", "on the date", f"accounts open in family {name}", f"holding.{name}")
        for name in FAMILIES
    ),
    _feature(
        "authorised_accounts_count",
        "count",
        "on the date",
        "open accounts of others that the customer may use",
        "authorised.accounts",
    ),
    _feature("opened_12m_count", "count", _MONTHS(12, "s"), "accounts opened, closed since or not", "holding.opened"),
    _feature("closed_12m_count", "count", _MONTHS(12, "s"), "accounts closed", "holding.closed"),
    _feature(
        "newest_account_days",
        "days",
        "on the date",
        "days since the last opening of an account",
        _days_since("holding.newest_on"),
    ),
    _feature(
        "maturing_3m_count",
        "count",
        "next 3 months",
        "open accounts whose agreed end lies in the next 3 months",
        "holding.maturing",
    ),
    _feature("limit_amount", "money", "on the date", "amounts lent and credit limits of open debts", "holding.limits"),
    _feature(
        "instalment_amount",
        "monthly_money",
        "on the date",
        "regular payments a month of open accounts",
        "holding.instalments",
    ),
    _feature(
        "troubled_accounts_count",
        "count",
        "on the date",
        "open accounts known to be in arrears or defaulted",
        "holding.troubled",
    ),
]

_LAST = "last month-end known"
_YEAR = "last 12 month-ends known"
_WORTH = [
    _feature(
        "assets_amount",
        "money",
        _LAST,
        f"money with the bank: positive balances in {', '.join(ASSET_FAMILIES)}",
        "worth.assets",
    ),
    _feature(
        "debt_amount",
        "money",
        _LAST,
        f"money owed, positive: negative balances in {', '.join(DEBT_FAMILIES)}, and overdrafts",
        "worth.debt",
    ),
    *(
        _feature(f"{name}_amount", "money", _LAST, f"balance in family {name}, overdrafts negative", f"worth.{name}")
        for name in ASSET_FAMILIES
    ),
    *(
        _feature(f"{name}_amount", "money", _LAST, f"owed in family {name}, positive", f"worth.{name}")
        for name in DEBT_FAMILIES
    ),
    _feature(
        "assets_mean_12m_amount",
        "money",
        _YEAR,
        "mean of assets over the month-ends with a balance",
        "case when worth.n > 0 then cast(worth.y as double) / cast(worth.n as double) end",
    ),
    _feature("assets_min_12m_amount", "money", _YEAR, "smallest assets at a month-end with a balance", "worth.least"),
    _feature("assets_max_12m_amount", "money", _YEAR, "largest assets at a month-end with a balance", "worth.most"),
    _feature(
        "assets_trend_12m_amount",
        "monthly_money",
        _YEAR,
        "least-squares slope of assets over the month-ends with a balance, a month; empty below two",
        "case when worth.n > 1 then cast(worth.n * worth.ty - worth.t * worth.y as double)"
        " / cast(worth.n * worth.tt - worth.t * worth.t as double) end",
    ),
    _feature(
        "assets_change_share",
        "share",
        "last month-end known against 3 months before",
        "relative change of assets; empty where there were none",
        "case when worth.assets_3_months_ago > 0 then cast(worth.assets - worth.assets_3_months_ago as double)"
        " / cast(worth.assets_3_months_ago as double) end",
    ),
    _feature(
        "margin_12m_amount",
        "money",
        _YEAR,
        "what the customer yields: absolute balances x margin / 12, and the monthly fees of the products held",
        "cast(worth.margin as double) / cast(12000000 as double) + cast(worth.fees as double)",
    ),
]

_FLOWS = {
    "frequency": ("acts", "bookings the customer initiated"),
    "monetary": ("turnover", "absolute amount of bookings the customer initiated"),
    "transactions": ("bookings", "all bookings"),
    "in": ("received", "money that came in"),
    "out": ("spent", "money that went out, positive"),
}
_ACTIVITY = [
    _feature(
        "recency_days",
        "days",
        "all history",
        "days since the last booking the customer initiated; empty for none",
        _days_since("last_act.day"),
    ),
    *(
        feature
        for name, (state, about) in _FLOWS.items()
        for feature in _windowed(
            f"{name}_{{}}m_count" if state in ("acts", "bookings") else f"{name}_{{}}m_amount",
            "count" if state in ("acts", "bookings") else "money",
            about,
            f"activity.{state}",
        )
    ),
    *(
        _feature(
            f"{name}_change_share",
            "share",
            "last 3 months against the 3 before",
            f"relative change: {about}; empty where there was nothing before",
            _change(f"activity.{state}"),
        )
        for name, (state, about) in _FLOWS.items()
    ),
    *(
        _feature(
            f"{channel}_12m_share",
            "share",
            _MONTHS(12, "s"),
            f"share of channel {channel} in the bookings the customer initiated, by known channel",
            _share(f"activity.acts_{channel}_12m", "activity.acts_by_channel_12m"),
        )
        for channel in SHARE_CHANNELS
    ),
    _feature(
        "active_months_12m_count",
        "count",
        _MONTHS(12, "s"),
        "months with a booking the customer initiated",
        "activity.acts_months_12m",
    ),
    _feature(
        "frequency_variation_12m_share",
        "share",
        _MONTHS(12, "s"),
        "standard deviation of the months' bookings the customer initiated, as a share of their mean (0: the same every"
        " month); months without any count, empty for none at all",
        "case when activity.acts_12m > 0 then sqrt(cast(12 * activity.acts_squared_12m"
        " - activity.acts_12m * activity.acts_12m as double)) / cast(activity.acts_12m as double) end",
    ),
    _feature(
        "charges_12m_amount", "money", _MONTHS(12, "s"), "fees and penalties paid, positive", "activity.charges_12m"
    ),
    _feature("penalties_12m_count", "count", _MONTHS(12, "s"), "penalties booked", "activity.penalties_12m"),
    _feature("cash_12m_amount", "money", _MONTHS(12, "s"), "cash taken out, positive", "activity.cash_12m"),
    _feature("card_paid_12m_amount", "money", _MONTHS(12, "s"), "paid by card, positive", "activity.card_paid_12m"),
    _feature(
        "is_salary_credited",
        "flag",
        _MONTHS(6, "s"),
        "a salary or pension arrives here, by kind or by a regular inflow (see the rule)",
        f"coalesce(({_BY_KIND}) or ({_BY_RULE}), false)",
    ),
    _feature(
        "salary_source",
        "word",
        _MONTHS(6, "s"),
        "how it was seen: kind (booked as salary or pension) or regular (inflow rule); empty for none",
        f"case when {_BY_KIND} then 'kind' when {_BY_RULE} then 'regular' end",
    ),
    _feature(
        "salary_amount",
        "monthly_money",
        _MONTHS(6, "s"),
        "salary-like income a month: mean of the months credited; empty for none",
        f"case when {_BY_KIND} then cast(activity.salary_6m as double) / cast(activity.salary_months_6m as double)"
        f" when {_BY_RULE} then cast(activity.inflow_6m as double) / cast(activity.inflow_months_6m as double) end",
    ),
    _feature(
        "salary_months_12m_count",
        "count",
        _MONTHS(12, "s"),
        "months with a salary or pension; by the inflow rule, months with an inflow of the kinds it looks at",
        f"case when activity.salary_months_12m > 0 then activity.salary_months_12m"
        f" when {_BY_RULE} then activity.inflow_months_12m else 0 end",
    ),
]

_CONTACTS = [
    *_windowed("interactions_{}m_count", "count", "contacts with the bank's service", "contact.contacts"),
    *_windowed("complaints_{}m_count", "count", "complaints", "contact.complaints"),
    _feature(
        "open_complaints_count", "count", "on the date", "complaints not settled by then", "unresolved.complaints"
    ),
    _feature(
        "complaint_recency_days",
        "days",
        "all history",
        "days since the last complaint; empty for none",
        _days_since("last_complaint.day"),
    ),
    _feature(
        "waiting_mean_12m_minutes",
        "minutes",
        _MONTHS(12, "s"),
        "mean wait before somebody answered, over contacts with a recorded wait",
        "case when contact.waits_12m > 0 then cast(contact.waiting_12m as double)"
        " / cast(60 * contact.waits_12m as double) end",
    ),
]

_DIGITAL = [
    *_windowed("logins_{}m_count", "count", "logins to online and mobile banking", "digital.logins"),
    _feature(
        "logins_change_share",
        "share",
        "last 3 months against the 3 before",
        "relative change of logins; empty where there were none before",
        _change("digital.logins"),
    ),
    _feature(
        "digital_recency_days",
        "days",
        "all history",
        "days since the last use of online or mobile banking; failed logins are no use; empty for none",
        _days_since("last_use.day"),
    ),
    _feature(
        "mobile_logins_12m_share",
        "share",
        _MONTHS(12, "s"),
        "share of mobile in the logins by known channel",
        _share("digital.logins_mobile_12m", "digital.logins_by_channel_12m"),
    ),
    _feature("product_views_3m_count", "count", _MONTHS(3, "s"), "product pages viewed", "digital.views_3m"),
]

FEATURES: tuple[Feature, ...] = (*_PROFILE, *_HOLDINGS, *_WORTH, *_ACTIVITY, *_CONTACTS, *_DIGITAL)

# A flat bank's own facts: only its `snapshot` table can say them.
FLAT_FEATURES: tuple[Feature, ...] = tuple(
    Feature(name, kind, "at the source's date", about, "", (f"snapshot.{name}",))
    for name, kind, about in (
        ("is_active", "flag", "active by the source's own rule; unknown counts as no"),
        ("is_card_holder", "flag", "has a credit card; unknown counts as no"),
        ("credit_score", "number", "credit score of the source"),
    )
)

assert len({feature.name for feature in FEATURES + FLAT_FEATURES}) == len(FEATURES + FLAT_FEATURES)
