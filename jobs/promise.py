"""By when a card is promised: the earlier of the centre's own limit and the law's. Pure.

Receipt plus the centre's days (express has its own), and acceptance plus 60 days (plus 30 where
transport is poor: Resident Identity Card Law) less the days that distribution takes.
"""

from datetime import date, timedelta

from config.centre import Promise


def promise_date(
    rules: Promise, *, county: str, express: bool, received: date, accepted: date
) -> date:
    """Return the day by which the card must be made."""
    centre_days = rules.express_days if express else rules.centre_days
    law_days = rules.acceptance_days
    if county in rules.remote_counties:
        law_days += rules.remote_extra_days
    law_days -= rules.distribution_days_of.get(county, rules.distribution_days)
    return min(received + timedelta(days=centre_days), accepted + timedelta(days=law_days))
