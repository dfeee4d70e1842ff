"""What the model looks at, and how each look is said in words: no cause, only what the customer has in common."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GROUPS", "REASONS", "Words", "words_of"]


class Words(NamedTuple):
    """How one feature is told.

    Parameters
    ----------
    group : str
        The reason group it belongs to, a key of `GROUPS`.
    low, high : str
        What is said of a customer whose value is low, or high, among others.
    missing : str
        What is said where there is no value.
    """

    group: str
    low: str
    high: str
    missing: str = ""


# Reason group -> what it covers.
GROUPS = {
    "use of the account": "bookings, money in and out",
    "money with the bank": "balances and how they move",
    "products": "what is held, opened and closed",
    "main bank": "salary or pension paid here",
    "service": "contacts, complaints, waiting",
    "fees": "charges, penalties, margin",
    "digital use": "logins and channels",
    "person": "age, time with the bank, place",
}
_USE, _MONEY, _PRODUCTS, _MAIN, _SERVICE, _FEES, _DIGITAL, _PERSON = GROUPS
_LESS, _MORE = "uses the account less than before", "uses the account more than before"
_FLOWS = "less money moves than before", "more money moves than before"
_BALANCE = "little money with the bank", "much money with the bank"
_FALL = "money with the bank falls", "money with the bank grows"
_HOLDS = "holds few products", "holds several products"
_CONTACTS = "few contacts with service", "many contacts with service"
_COMPLAINED = "no complaint lately", "has complained"
_PAID = "no salary or pension paid here", "salary or pension paid here"
_LOGIN = "logs in rarely", "logs in often"

REASONS: dict[str, Words] = {
    "recency_days": Words(_USE, "booked something lately", "has booked nothing for some time", "never booked anything"),
    "frequency_1m_count": Words(_USE, "few bookings last month", "many bookings last month"),
    "frequency_3m_count": Words(_USE, "few bookings lately", "many bookings lately"),
    "frequency_12m_count": Words(_USE, "few bookings in the year", "many bookings in the year"),
    "frequency_change_share": Words(_USE, _LESS, _MORE, "no bookings before"),
    "monetary_3m_amount": Words(_USE, "small turnover lately", "large turnover lately"),
    "monetary_change_share": Words(_USE, *_FLOWS, "no turnover before"),
    "in_3m_amount": Words(_USE, "little money comes in", "much money comes in"),
    "in_change_share": Words(_USE, "less comes in than before", "more comes in than before", "nothing came in before"),
    "out_change_share": Words(
        _USE, "less goes out than before", "more goes out than before", "nothing went out before"
    ),
    "assets_amount": Words(_MONEY, *_BALANCE),
    "assets_trend_12m_amount": Words(_MONEY, *_FALL, "balance too new for a trend"),
    "assets_change_share": Words(_MONEY, *_FALL, "no money with the bank before"),
    "current_amount": Words(_MONEY, "little on the current account", "much on the current account"),
    "savings_amount": Words(_MONEY, "little saved here", "much saved here"),
    "term_deposit_amount": Words(_MONEY, "no term deposit to speak of", "large term deposit"),
    "investment_amount": Words(_MONEY, "little invested here", "much invested here"),
    "debt_amount": Words(_MONEY, "owes little", "owes much"),
    "products_count": Words(_PRODUCTS, *_HOLDS),
    "card_count": Words(_PRODUCTS, "no card", "has a card"),
    "loan_count": Words(_PRODUCTS, "no loan", "has a loan"),
    "mortgage_count": Words(_PRODUCTS, "no mortgage", "has a mortgage"),
    "opened_12m_count": Words(_PRODUCTS, "opened nothing lately", "opened something lately"),
    "closed_12m_count": Words(_PRODUCTS, "closed nothing lately", "closed something lately"),
    "newest_account_days": Words(_PRODUCTS, "opened something lately", "last opening is long ago", "no account"),
    "maturing_3m_count": Words(_PRODUCTS, "nothing matures soon", "a deposit or loan ends soon"),
    "is_salary_credited": Words(_MAIN, *_PAID),
    "salary_amount": Words(_MAIN, "small salary here", "large salary here", "no salary or pension paid here"),
    "salary_months_12m_count": Words(_MAIN, "salary came in few months", "salary came in most months"),
    "interactions_12m_count": Words(_SERVICE, *_CONTACTS),
    "complaints_12m_count": Words(_SERVICE, *_COMPLAINED),
    "open_complaints_count": Words(_SERVICE, "no open complaint", "a complaint is open"),
    "complaint_recency_days": Words(_SERVICE, "complained lately", "last complaint is long ago", "never complained"),
    "waiting_mean_12m_minutes": Words(_SERVICE, "short waits", "long waits", "no wait recorded"),
    "charges_12m_amount": Words(_FEES, "pays few fees", "pays many fees"),
    "margin_12m_amount": Words(_FEES, "yields little", "yields much"),
    "logins_3m_count": Words(_DIGITAL, *_LOGIN),
    "logins_change_share": Words(
        _DIGITAL, "logs in less than before", "logs in more than before", "did not log in before"
    ),
    "digital_recency_days": Words(_DIGITAL, "logged in lately", "has not logged in for some time", "never logged in"),
    "branch_12m_share": Words(_DIGITAL, "does not use the branch", "uses the branch", "no channel known"),
    "age_years": Words(_PERSON, "younger customer", "older customer", "age not known"),
    "tenure_days": Words(_PERSON, "short time with the bank", "long time with the bank"),
    "income_amount": Words(_PERSON, "lower income", "higher income", "income not known"),
}


def words_of(name: str) -> Words:
    """Return how a feature is told; one that nobody has worded by its name.

    Examples
    --------
    >>> words_of("recency_days").high
    'has booked nothing for some time'
    >>> words_of("credit_score")
    Words(group='other facts', low='low credit score', high='high credit score', missing='credit score not known')
    """
    if name in REASONS:
        return REASONS[name]
    plain = name.removesuffix("_amount").removesuffix("_count").removesuffix("_share").replace("_", " ")
    plain = plain.removeprefix("is ") if name.startswith("is_") else plain
    if name.startswith("is_"):
        return Words("other facts", f"not {plain}", plain, f"{plain} not known")
    return Words("other facts", f"low {plain}", f"high {plain}", f"{plain} not known")
