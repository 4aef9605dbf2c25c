"""Maintenance and backup windows of the managed data stores, in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rehearsal.catalogue.entry import Inputs

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY

DAILY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
WEEKLY = re.compile(
    rf"({'|'.join(DAYS)}):([01]\d|2[0-3]):([0-5]\d)-({'|'.join(DAYS)}):([01]\d|2[0-3]):([0-5]\d)",
    re.IGNORECASE,
)


def apart(daily: str, weekly: str, shortest: int) -> Callable[[Inputs], Iterator[tuple[str, str]]]:
    """A rule that the properties `daily` and `weekly` hold windows which do not overlap.

    `shortest` is the least length of the daily window in minutes. Windows that touch are apart.
    """

    def rule(inputs: Inputs) -> Iterator[tuple[str, str]]:
        every_day, every_week = inputs.get(daily), inputs.get(weekly)
        day = DAILY.fullmatch(every_day) if isinstance(every_day, str) else None
        week = WEEKLY.fullmatch(every_week) if isinstance(every_week, str) else None
        if isinstance(every_day, str) and not day:
            yield daily, f'"{every_day}" given, hh:mm-hh:mm is needed, such as 03:00-04:00'
        if isinstance(every_week, str) and not week:
            example = "sun:04:00-sun:05:00"
            yield weekly, f'"{every_week}" given, ddd:hh:mm-ddd:hh:mm is needed, such as {example}'
        if day:
            start = _minutes(day[1], day[2])
            length = (_minutes(day[3], day[4]) - start) % DAY
            if length < shortest:
                yield daily, f"{length} minutes long, at least {shortest} are needed"
            if week and _overlap(start, length, week):
                yield weekly, f"{every_week} overlaps {daily} ({every_day}), which is not allowed"

    return rule


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)


def _overlap(start: int, length: int, week: re.Match[str]) -> bool:
    begins = DAYS.index(week[1].lower()) * DAY + _minutes(week[2], week[3])
    ends = DAYS.index(week[4].lower()) * DAY + _minutes(week[5], week[6])
    lasts = (ends - begins) % WEEK
    return any(
        (start + day * DAY - begins) % WEEK < lasts or (begins - start - day * DAY) % WEEK < length
        for day in range(7)
    )
