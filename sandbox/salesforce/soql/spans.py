"""Date literals such as LAST_N_DAYS:30: from when until before when, in whole days of UTC."""

from __future__ import annotations

from datetime import date, timedelta


def span(literal: str, today: date) -> tuple[date, date]:
    """First day, and the day after the last. Weeks start on Sunday, as in an org with the default locale."""
    name, _, number = literal.partition(":")
    if number:
        return _numbered(name, int(number), today)
    if name in ("TODAY", "YESTERDAY", "TOMORROW"):
        day = today + timedelta(days={"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}[name])
        return day, day + timedelta(days=1)
    if name == "LAST_90_DAYS":
        return today - timedelta(days=90), today + timedelta(days=1)
    if name == "NEXT_90_DAYS":
        return today + timedelta(days=1), today + timedelta(days=91)
    when, unit = name.split("_", 1)
    return _period(unit, {"LAST": -1, "THIS": 0, "NEXT": 1}[when], today)


def _numbered(name: str, number: int, today: date) -> tuple[date, date]:
    ago = name.endswith("_AGO")
    unit = (
        name.removeprefix("LAST_N_").removeprefix("NEXT_N_").removeprefix("N_").removesuffix("_AGO").removesuffix("S")
    )
    if unit == "DAY":
        if ago:
            day = today - timedelta(days=number)
            return day, day + timedelta(days=1)
        if name.startswith("LAST"):
            return today - timedelta(days=number), today + timedelta(days=1)
        return today + timedelta(days=1), today + timedelta(days=number + 1)
    if ago:
        return _period(unit, -number, today)
    if name.startswith("LAST"):
        return _period(unit, -number, today)[0], _period(unit, 0, today)[0]
    return _period(unit, 1, today)[0], _period(unit, number, today)[1]


def _period(unit: str, steps: int, today: date) -> tuple[date, date]:
    """The week, month, quarter or year ``steps`` away from today's."""
    if unit == "WEEK":
        start = today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=steps)
        return start, start + timedelta(weeks=1)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    index = (today.year * 12 + today.month - 1) // months * months + steps * months
    return date(index // 12, index % 12 + 1, 1), date((index + months) // 12, (index + months) % 12 + 1, 1)
