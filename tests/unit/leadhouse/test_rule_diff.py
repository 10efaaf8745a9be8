from __future__ import annotations

from pathlib import Path

from leadhouse.rule_diff import ChangedRow, FileDiff, diff_rows, diff_rules
from leadhouse.settings import BASE_SEEDS_DIR


def test_rows_are_matched_by_key_whatever_their_order() -> None:
    before = [{"rule_id": "a", "points": "1"}, {"rule_id": "b", "points": "2"}, {"rule_id": "c", "points": "3"}]
    after = [{"rule_id": "d", "points": "4"}, {"rule_id": "c", "points": "5"}, {"rule_id": "a", "points": "1"}]
    assert diff_rows("fit_rules.csv", before, after, ("rule_id",)) == FileDiff(
        "fit_rules.csv", added=("d",), removed=("b",), changed=(ChangedRow("c", {"points": ("3", "5")}),)
    )


def test_a_new_column_is_a_change_and_without_a_key_rows_are_added_and_removed() -> None:
    before, after = [{"grade": "A"}], [{"grade": "A", "is_hot": "true"}]
    assert diff_rows("x.csv", before, after, ("grade",)).changed == (ChangedRow("A", {"is_hot": ("", "true")}),)
    found = diff_rows("x.csv", before, after, ())
    assert (found.added, found.removed) == (("A | true",), ("A",))


def test_folders(tmp_path: Path) -> None:
    assert diff_rules(BASE_SEEDS_DIR, BASE_SEEDS_DIR) == []
    for name, points in (("before", "14"), ("after", "20")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "stage_thresholds.csv").write_text(f"line_id,stage,min_fit_score\nstandard,mql,{points}\n")
    (found,) = diff_rules(tmp_path / "before", tmp_path / "after")
    assert found == FileDiff("stage_thresholds.csv", changed=(ChangedRow("standard", {"min_fit_score": ("14", "20")}),))
