"""The measure of the benchmarks counts pairs rightly."""

from __future__ import annotations

from benchmarks.pairwise import Quality, closure, pairwise


def test_closure_joins_whatever_edges_reach() -> None:
    groups = closure("abcdef", [("a", "b"), ("c", "b"), ("e", "f")])
    assert groups["a"] == groups["b"] == groups["c"]
    assert groups["e"] == groups["f"] != groups["a"]
    assert groups["d"] == "d"


def test_pairs_found_true_and_right() -> None:
    truth = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2}
    found = pairwise({"a": "x", "b": "x", "c": "y", "d": "y", "e": "z"}, truth)
    assert found == Quality(found=2, true=4, right=1)
    assert (found.precision, found.recall) == (0.5, 0.25)
    assert round(found.f1, 4) == 0.3333


def test_nothing_joined_is_precise_and_finds_nothing() -> None:
    alone = pairwise({"a": 1, "b": 2}, {"a": "p", "b": "p"})
    assert (alone.precision, alone.recall, alone.f1) == (1.0, 0.0, 0.0)
