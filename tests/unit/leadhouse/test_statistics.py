from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadhouse.statistics import newcombe, wilson


def test_the_golden_share() -> None:
    found = wilson(42, 60)
    assert found is not None
    assert (round(found.value, 3), round(found.lo, 3), round(found.hi, 3)) == (0.700, 0.575, 0.801)


def test_nothing_counted_has_no_share() -> None:
    assert wilson(0, 0) is None
    assert newcombe((0, 0), (1, 2)) is None
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("after", "before", "lo", "hi"),
    [
        # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_the_published_differences(after: tuple[int, int], before: tuple[int, int], lo: float, hi: float) -> None:
    found = newcombe(after, before)
    assert found is not None
    assert (round(found.lo, 4), round(found.hi, 4)) == (lo, hi)


counts = st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@given(counts, counts)
def test_the_difference_lies_in_its_interval_and_turns_round(one: tuple[int, int], other: tuple[int, int]) -> None:
    there, back = newcombe(one, other), newcombe(other, one)
    assert there is not None
    assert back is not None
    assert -1.0000001 <= there.lo <= there.value <= there.hi <= 1.0000001
    assert there.lo == pytest.approx(-back.hi)
    assert there.hi == pytest.approx(-back.lo)
