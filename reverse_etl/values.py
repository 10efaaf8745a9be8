"""One spelling per value, so that what we want and what the CRM holds can be compared as text.

HubSpot sends every property as text: ``72.5`` or ``72.50``, ``2026-01-31`` or milliseconds since 1970, ``true``, and
both ``null`` and ``""`` for "no value". :func:`canonical_sql` gives the SQL expression that brings a text to its one
spelling; :func:`canonical` is the same for a single value. Empty is ``NULL``/``None`` in both.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext

#: Digits kept after the point when numbers are compared.
NUMBER_SCALE = 10

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")
_MILLISECONDS = re.compile(r"^-?\d{9,}$")


def canonical_sql(text: str, property_type: str, *, is_multiple: bool = False) -> str:
    """SQL that spells the text expression ``text`` canonically for ``property_type``.

    A text that does not parse as its type is kept as it is: it then differs from any good value, and the CRM says why
    it refuses it.
    """
    if property_type == "number":
        return _number_sql(f"trim({text})")
    if property_type == "bool":
        return (
            f"case lower(trim({text})) when 'true' then 'true' when '1' then 'true' when 'yes' then 'true'"
            f" when 'false' then 'false' when '0' then 'false' when 'no' then 'false' when '' then null"
            f" else {text} end"
        )
    if property_type == "date":
        return (
            f"case when trim({text}) = '' then null"
            f" when regexp_full_match(trim({text}), '-?\\d{{9,}}')"
            f" then strftime(make_timestamp(try_cast(trim({text}) as bigint) * 1000), '%Y-%m-%d')"
            f" else coalesce(strftime(try_cast(left(trim({text}), 10) as date), '%Y-%m-%d'), {text}) end"
        )
    if property_type == "datetime":
        return (
            f"case when trim({text}) = '' then null"
            f" when regexp_full_match(trim({text}), '-?\\d{{9,}}')"
            f" then strftime(make_timestamp(try_cast(trim({text}) as bigint) * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')"
            f" else coalesce(strftime(try_cast(trim({text}) as timestamptz) at time zone 'UTC',"
            f" '%Y-%m-%dT%H:%M:%S.%gZ'), {text}) end"
        )
    if is_multiple:
        return (
            f"nullif(array_to_string(list_sort(list_filter(string_split({text}, ';'), lambda part: part <> '')), ';'),"
            " '')"
        )
    return f"nullif({text}, '')"


def _number_sql(bare: str) -> str:
    """Plain numbers by text alone; casting a text to a wide DECIMAL costs ten times as much, so only odd ones are."""
    plain = f"regexp_full_match({bare}, '-?(0|[1-9][0-9]{{0,17}})(\\.[0-9]{{1,{NUMBER_SCALE}}})?')"
    trimmed = f"case when contains({bare}, '.') then rtrim(rtrim({bare}, '0'), '.') else {bare} end"
    # A cast to DECIMAL(38, 10) always prints ten decimals, so trimming zeros never eats the integer part.
    # Exponents go through DOUBLE: read straight into a DECIMAL, 5e-12 rounds to 0.0000000001 (DuckDB 1.5).
    exact = f"case when contains(lower({bare}), 'e') then try_cast({bare} as double) end"
    value = (
        f"coalesce(try_cast({exact} as decimal(38, {NUMBER_SCALE})), try_cast({bare} as decimal(38, {NUMBER_SCALE})))"
    )
    wide = f"rtrim(rtrim(cast({value} as varchar), '0'), '.')"
    number = f"regexp_full_match({bare}, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?')"
    odd = f"when {number} then coalesce({wide}, {bare}) else {bare}"
    spelled = f"case when {plain} then {trimmed} when {bare} = '' then null {odd} end"
    return f"case {spelled} when '-0' then '0' when '' then '0' else {spelled} end"


def canonical(text: str | None, property_type: str, *, is_multiple: bool = False) -> str | None:
    """The canonical spelling of one value as text; ``None`` when it is empty."""
    if text is None or text == "":
        return None
    bare = text.strip()
    if property_type == "number":
        return _canonical_number(bare) if bare else None
    if property_type == "bool":
        if not bare:
            return None
        lowered = bare.lower()
        return "true" if lowered in ("true", "1", "yes") else "false" if lowered in ("false", "0", "no") else text
    if property_type in ("date", "datetime"):
        return _canonical_time(text, bare, only_date=property_type == "date") if bare else None
    if is_multiple:
        return ";".join(sorted(part for part in text.split(";") if part)) or None
    return text


def _canonical_number(bare: str) -> str:
    if not _NUMBER.match(bare):
        return bare
    try:
        with localcontext() as context:
            context.prec = 60
            value = Decimal(bare).quantize(Decimal(1).scaleb(-NUMBER_SCALE), rounding="ROUND_HALF_UP")
    except InvalidOperation:
        return bare
    if abs(value) >= Decimal(10) ** (38 - NUMBER_SCALE):
        return bare
    spelled = format(value, "f").rstrip("0").rstrip(".")
    return "0" if spelled in ("-0", "") else spelled


def _canonical_time(text: str, bare: str, *, only_date: bool) -> str:
    try:
        if _MILLISECONDS.match(bare):
            at = _EPOCH + timedelta(milliseconds=int(bare))
        elif only_date:
            at = datetime.strptime(bare[:10], "%Y-%m-%d").replace(tzinfo=UTC)
        else:
            at = datetime.fromisoformat(bare)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    if only_date:
        return at.strftime("%Y-%m-%d")
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def canonical_column_sql(column: str, kind: str, property_type: str, *, is_multiple: bool = False) -> str:
    """SQL that spells a model's column canonically; ``kind`` is its DuckDB type.

    Where the type leaves only one spelling, no text has to be read: that is most of the cost of a large plan.
    """
    if property_type == "number" and kind in _WHOLE:
        return f"cast({column} as varchar)"
    scale = _decimal_scale(kind)
    if property_type == "number" and scale is not None and scale <= NUMBER_SCALE:
        text = f"cast({column} as varchar)"
        # A zero of a DECIMAL has no sign, and its decimals are all printed.
        return f"rtrim(rtrim({text}, '0'), '.')" if scale else text
    if property_type == "date" and kind == "DATE":
        return f"cast({column} as varchar)"
    if property_type == "bool" and kind == "BOOLEAN":
        return f"cast({column} as varchar)"
    return canonical_sql(column_text_sql(column, property_type), property_type, is_multiple=is_multiple)


def _decimal_scale(kind: str) -> int | None:
    found = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind)
    # Where all digits are decimals, DuckDB prints no zero before the point.
    return int(found[2]) if found and int(found[1]) > int(found[2]) else None


def column_text_sql(column: str, property_type: str) -> str:
    """SQL that turns a typed model column into text which :func:`canonical_sql` reads.

    Timestamps without a zone are UTC (house rule), so the session's time zone must be UTC.
    """
    if property_type == "datetime":
        return f"cast(cast({column} as timestamptz) as varchar)"
    return f"cast({column} as varchar)"
