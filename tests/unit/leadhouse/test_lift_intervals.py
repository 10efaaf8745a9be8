"""The intervals of lifts and of ratios of rates hold what was planted, about 95 times in 100, and never nonsense."""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[3] / "macros"


def bounds(macro: str, *arguments: str) -> tuple[str, str]:
    """The SQL of both bounds, as the macros write it."""
    text = "".join((MACROS / f"{name}.sql").read_text() for name in ("wilson_interval", macro))
    calls = ", ".join(repr(argument) for argument in arguments)
    lo, hi = (jinja2.Template(text + f"{{{{ {macro}({calls}, '{bound}') }}}}").render() for bound in ("lo", "hi"))
    return lo, hi


@pytest.mark.parametrize(("share", "rate", "lift"), [(0.15, 0.10, 3.0), (0.4, 0.2, 1.0), (0.3, 0.1, 0.4)])
def test_the_interval_of_a_lift_holds_the_planted_one(share: float, rate: float, lift: float) -> None:
    rng = np.random.default_rng(7)
    won_with = share * rate * lift
    cells = [won_with, rate - won_with, share - won_with, 1 - rate - share + won_with]
    drawn = rng.multinomial(1_000, cells, size=4_000)
    lo, hi = bounds("lift_interval", "a", "a + b", "a + c", "a + b + c + d")
    with duckdb.connect() as connection:
        columns = "unnest(?) as a, unnest(?) as b, unnest(?) as c, unnest(?) as d"
        connection.execute(f"create table drawn as select {columns}", drawn.T.tolist())
        query = f"select avg(case when {lift} between {lo} and {hi} then 1.0 else 0 end) from drawn"
        (held,) = connection.execute(query).fetchone() or (None,)
    assert held is not None
    assert 0.93 <= held <= 0.975


@pytest.mark.parametrize(("first", "second"), [(0.6, 0.3), (0.5, 0.5), (0.2, 0.4)])
def test_the_interval_of_a_ratio_holds_the_planted_one(first: float, second: float) -> None:
    rng = np.random.default_rng(7)
    drawn = np.column_stack([rng.binomial(80, first, 2_000), rng.binomial(120, second, 2_000)])
    lo, hi = bounds("rate_ratio_interval", "a", "80", "b", "120")
    with duckdb.connect() as connection:
        connection.execute("create table drawn as select unnest(?) as a, unnest(?) as b", drawn.T.tolist())
        query = f"select avg(case when {first / second} between {lo} and {hi} then 1.0 else 0 end) from drawn"
        (held,) = connection.execute(query).fetchone() or (None,)
    assert held is not None
    assert 0.93 <= held <= 0.975


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 60)] * 4))
def test_bounds_lie_on_either_side_of_the_lift(cells: tuple[int, int, int, int]) -> None:
    a, b, c, d = cells
    lo, hi = bounds("lift_interval", str(a), str(a + b), str(a + c), str(a + b + c + d))
    low, high = duckdb.sql(f"select {lo}, {hi}").fetchone() or (None, None)
    if a + b == 0 or a + c == 0:
        assert low is None
        assert high is None
        return
    lift = a * (a + b + c + d) / ((a + b) * (a + c))
    assert 0 <= float(low) <= lift + 1e-9
    assert lift - 1e-9 <= float(high)
