"""What the books count by day: one row a day, county, product and load. Pure.

The fold tells it what happened and gets the changed row. What the figures mean for the programme is
`jobs/standing.py`'s to say.
"""

from datetime import date

from jobs.rows import DayCount, Order

_MICROSECONDS_OF_A_DAY = 86_400_000_000
_CHINA_AHEAD_US = 8 * 3_600_000_000
_EPOCH = date(1970, 1, 1).toordinal()


def china_day(time_us: int) -> date:
    """Return the day in China (UTC+8) of a moment."""
    return date.fromordinal(_EPOCH + (time_us + _CHINA_AHEAD_US) // _MICROSECONDS_OF_A_DAY)


def day_count(
    rows: dict[str, DayCount], time_us: int, county: str, product: str = "", load: str = ""
) -> DayCount:
    """Return the row of a moment's day, made on first sight."""
    day = china_day(time_us).isoformat()
    name = f"{day}|{county}|{product}|{load}"
    found = rows.get(name)
    if found is None:
        found = rows[name] = DayCount(name, day, county, product, load)
    return found


def day_count_of(rows: dict[str, DayCount], time_us: int, order: Order) -> DayCount:
    """Return the row that an order is counted in at a moment."""
    return day_count(rows, time_us, order.county, order.product, order.load.value)
