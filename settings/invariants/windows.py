"""Times of the day and of the week that must keep apart."""

from __future__ import annotations

from settings.invariants.base import Violation, Violations

_DAY = 24 * 60
_WEEK = 7 * _DAY
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def windows_keep_apart(
    section: str, *, daily: tuple[str, str], weekly: tuple[str, str], least_minutes: int
) -> Violations:
    """A window of every day and one of the week, each with its path: long enough, and apart."""
    daily_path, daily_text = daily
    weekly_path, weekly_text = weekly
    daily_start, daily_end = (_minute(text) for text in daily_text.split("-"))
    daily_length = (daily_end - daily_start) % _DAY
    weekly_start, weekly_length = of_the_week(weekly_text)
    if daily_length < least_minutes:
        yield Violation(
            section,
            daily_path,
            f"{daily_text} lasts {daily_length} minutes; give at least {least_minutes}",
        )
    if not least_minutes <= weekly_length <= _DAY:
        yield Violation(
            section,
            weekly_path,
            f"{weekly_text} lasts {weekly_length} minutes; give {least_minutes} to {_DAY}",
        )
    if meet((daily_start, daily_length), (weekly_start, weekly_length)):
        yield Violation(
            section,
            weekly_path,
            f"{weekly_text} overlaps {daily_path}, {daily_text}; move one of them",
        )


def of_the_week(window: str) -> tuple[int, int]:
    """When a window begins, in minutes of the week, and how many it lasts."""
    start, end = (
        _WEEKDAYS.index(text[:3]) * _DAY + _minute(text[4:]) for text in window.split("-")
    )
    return start, (end - start) % _WEEK


def meet(daily: tuple[int, int], weekly: tuple[int, int]) -> bool:
    """Whether something of every day falls together with something of one; start and length."""
    return any(
        (day * _DAY + daily[0] - weekly[0]) % _WEEK < weekly[1]
        or (weekly[0] - day * _DAY - daily[0]) % _WEEK < daily[1]
        for day in range(len(_WEEKDAYS))
    )


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
