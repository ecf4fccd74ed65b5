"""Public holidays of China, and the weekends on which people work to make up for them: the one place that knows them.

The State Council announces them year by year, in the autumn before; a package that is pinned with all others has them,
so that no day of a customer's is looked up elsewhere. What decides by days (``servicekit.calendar``) has them copied
into its document, so that a later release of the package changes no past.
"""

from collections.abc import Mapping
from datetime import date

from chinese_calendar import constants

from contracts.holidays import Holiday, HolidayYear

_CHINESE: Mapping[str, str] = {holiday.value: holiday.chinese for holiday in constants.Holiday}


def announced(year: int) -> HolidayYear:
    """The days as the State Council announced them. A year is announced as a whole: with its National Day."""
    if date(year, 10, 1) not in constants.holidays:
        return HolidayYear(year=year, announced=False, days=[])
    days = [
        Holiday(date=day.isoformat(), kind=kind, name_zh=_CHINESE[name], name_en=name)
        for kind, named in (("holiday", constants.holidays), ("workday", constants.workdays))
        for day, name in named.items()
        if day.year == year
    ]
    return HolidayYear(year=year, announced=True, days=sorted(days, key=lambda day: day.date))
