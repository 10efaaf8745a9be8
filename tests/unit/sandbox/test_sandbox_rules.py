"""Small rules of the sandbox CRM: values by type, path families, rate limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.server.catalog import ASSOCIATIONS_BY_KEY, INVERSE_ASSOCIATION, OBJECT_TYPES, default_properties
from sandbox.server.clock import PortalClock, iso, parse_ms
from sandbox.server.errors import ApiError
from sandbox.server.limits import RateLimits
from sandbox.server.paths import canonical
from sandbox.server.values import InvalidValueError, parser_for, same_value


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        ("string", "a", "a"),
        ("string", 5, "5"),
        ("string", True, "true"),
        ("number", "10.50", "10.50"),
        ("number", 3, "3"),
        ("number", "1e3", "1e3"),
        ("bool", "TRUE", "true"),
        ("date", "2026-05-01", "2026-05-01"),
        ("date", 1777593600000, "2026-05-01"),
        ("datetime", "2026-05-01T02:00:00+02:00", "2026-05-01T00:00:00.000Z"),
    ],
)
def test_values_are_stored_as_text_of_one_form(type_: str, value: object, stored: str) -> None:
    assert parser_for(type_, frozenset(), "x")(value) == stored


@pytest.mark.parametrize(
    ("type_", "value", "code"),
    [
        ("number", "ten", "INVALID_INTEGER"),
        ("number", "NaN", "INVALID_INTEGER"),
        ("bool", "yes", "INVALID_BOOLEAN"),
        ("date", "2026-05-01T10:00:00Z", "INVALID_DATE"),
        ("date", "tomorrow", "INVALID_DATE"),
        ("datetime", "99999999999999999999", "INVALID_LONG"),
        ("enumeration", "c", "INVALID_OPTION"),
        ("string", {"a": 1}, "INVALID_VALUE"),
        ("string", "x" * 70_000, "VALUE_TOO_LONG"),
    ],
)
def test_bad_values_have_a_code(type_: str, value: object, code: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parser_for(type_, frozenset({"a", "b"}), "x")(value)
    assert caught.value.code == code


def test_several_options() -> None:
    assert parser_for("enumeration", frozenset({"a", "b"}), "x")("a;b") == "a;b"


def test_equal_values() -> None:
    assert same_value("number", "10", "10.0")
    assert not same_value("string", "10", "10.0")
    assert not same_value("number", "", "0")


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_moments_survive_a_round_trip(ms: int) -> None:
    assert parse_ms(iso(ms)) == ms


def test_the_clock_only_goes_forward() -> None:
    clock = PortalClock(1_000_000)
    first = clock.now_ms()
    clock.move_to(5_000_000)
    assert clock.now_ms() >= 5_000_000 > first >= 1_000_000
    clock.move_to(10)
    assert clock.now_ms() >= 5_000_000


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/crm/objects/2026-09/contacts/1", ("/crm/objects/contacts/1", "2026-09")),
        ("/crm/v3/objects/contacts", ("/crm/objects/contacts", "v3")),
        ("/crm/v3/lists/", ("/crm/lists", "v3")),
        ("/crm/lists/2026-03", ("/crm/lists", "2026-03")),
        ("/crm-object-schemas/2026-03/schemas/contacts", ("/crm/schemas/contacts", "2026-03")),
        ("/form-integrations/v1/submissions/forms/abc", ("/form-submissions/abc", "v1")),
        ("/crm/v3/objectsX", None),
        ("/crm/objects/latest/contacts", None),
        ("/", None),
    ],
)
def test_path_families(path: str, expected: tuple[str, str] | None) -> None:
    assert canonical(path) == expected


class _Time:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_the_burst_window_rolls() -> None:
    time = _Time()
    limits = RateLimits(burst=3, daily=0, clock=time)
    for step in range(3):
        limits.take(search=False)
        time.now += 1 if step < 2 else 0
    with pytest.raises(ApiError) as caught:
        limits.take(search=False)
    assert caught.value.headers["Retry-After"] == "8"
    time.now += 8.001
    assert limits.take(search=False)["X-HubSpot-RateLimit-Remaining"] == "0"
    with pytest.raises(ApiError):
        limits.take(search=False)


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=80))
def test_never_more_than_the_burst_in_any_ten_seconds(gaps: list[float]) -> None:
    time = _Time()
    time.now = 1_000_000.0
    limits = RateLimits(burst=5, daily=0, clock=time)
    accepted: list[float] = []
    for gap in gaps:
        time.now += gap
        try:
            limits.take(search=False)
        except ApiError:
            continue
        accepted.append(time.now)
    for start in accepted:
        assert sum(start <= at < start + 10 for at in accepted) <= 5


def test_the_daily_quota_starts_again_at_midnight() -> None:
    time = _Time()
    time.now = 86_400 * 20_000 + 86_000
    limits = RateLimits(burst=0, daily=1, clock=time)
    limits.take(search=False)
    with pytest.raises(ApiError) as caught:
        limits.take(search=True)
    assert caught.value.extra["policyName"] == "DAILY"
    assert caught.value.headers["Retry-After"] == "400"
    time.now += 400
    assert limits.take(search=False)["X-HubSpot-RateLimit-Daily-Remaining"] == "0"


def test_every_association_type_has_a_way_back() -> None:
    for (source, target, type_id), back in INVERSE_ASSOCIATION.items():
        assert (target, source, back) in ASSOCIATIONS_BY_KEY
        assert INVERSE_ASSOCIATION[(target, source, back)] == type_id


def test_the_catalogue_is_whole() -> None:
    for object_type in OBJECT_TYPES:
        names = [one.name for one in default_properties(object_type)]
        assert len(names) == len(set(names))
        assert {object_type.created, object_type.modified, "hs_object_id", *object_type.defaults} <= set(names)
