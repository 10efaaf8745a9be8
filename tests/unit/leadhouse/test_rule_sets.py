from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadhouse import settings as settings_module
from leadhouse.rule_sets import RuleSetError, compose, known_presets, rule_set_name, rules_version
from leadhouse.settings import BASE_SEEDS_DIR, SettingsError, load_settings
from orchestration import manifest as manifest_module
from orchestration.manifest import dbt_environment, project_fingerprint, seeds_path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "fit_rules.csv").write_text("rule,points\na,1\n")
    (folder / "grades.csv").write_text("grade\nA\n")
    (folder / "_scoring__seeds.yml").write_text("version: 2\n")
    (folder / "README.md").write_text("not a rule\n")
    return folder


def overlay(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_later_folders_win_and_everything_is_there(base: Path, tmp_path: Path) -> None:
    preset = overlay(tmp_path / "preset", fit_rules="rule,points\na,2\n", grades="grade\nB\n")
    own = overlay(tmp_path / "own", fit_rules="rule,points\na,3\n")
    (own / "notes.md").write_text("why")
    made = compose(base, [preset, own], tmp_path / "made")
    assert {path.name for path in made.iterdir()} == {"fit_rules.csv", "grades.csv", "_scoring__seeds.yml"}
    assert (made / "fit_rules.csv").read_text() == "rule,points\na,3\n"
    assert (made / "grades.csv").read_text() == "grade\nB\n"


def test_only_what_differs_is_written(base: Path, tmp_path: Path) -> None:
    own = overlay(tmp_path / "own", fit_rules="rule,points\na,3\n")
    made = compose(base, [own], tmp_path / "made")
    os.utime(made / "grades.csv", (1, 1))
    os.utime(made / "fit_rules.csv", (1, 1))
    (own / "fit_rules.csv").write_text("rule,points\na,4\n")
    compose(base, [own], made)
    assert (made / "grades.csv").stat().st_mtime == 1
    assert (made / "fit_rules.csv").stat().st_mtime != 1
    assert (made / "fit_rules.csv").read_text() == "rule,points\na,4\n"


def test_a_rule_file_that_went_away_goes_away(base: Path, tmp_path: Path) -> None:
    made = compose(base, [], tmp_path / "made")
    (base / "grades.csv").unlink()
    compose(base, [], made)
    assert not (made / "grades.csv").exists()


def test_an_unknown_file_is_named_with_the_nearest(base: Path, tmp_path: Path) -> None:
    own = overlay(tmp_path / "own", fit_rule="rule,points\n")
    with pytest.raises(RuleSetError, match=r"fit_rule\.csv: no rule file.*nearest name is fit_rules\.csv"):
        compose(base, [own], tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_the_version_is_that_of_the_content(base: Path, tmp_path: Path) -> None:
    made = compose(base, [], tmp_path / "made")
    assert rules_version(made) == rules_version(base)
    (made / "grades.csv").write_bytes((made / "grades.csv").read_bytes().replace(b"\n", b"\r\n"))
    assert rules_version(made) == rules_version(base)
    (made / "grades.csv").write_text("grade\nB\n")
    assert rules_version(made) != rules_version(base)


def test_no_folder_and_a_folder_below_are_told(base: Path, tmp_path: Path) -> None:
    with pytest.raises(RuleSetError, match="no such folder of rules"):
        compose(base, [tmp_path / "none"], tmp_path / "made")
    own = overlay(tmp_path / "own")
    overlay(own / "seeds", grades="grade\nC\n")
    with pytest.raises(RuleSetError, match="a folder below are not read"):
        compose(base, [own], tmp_path / "made")


def test_folders_of_one_name_do_not_share_a_place(tmp_path: Path) -> None:
    assert rule_set_name([]) == "seeds"
    one, other = rule_set_name([tmp_path / "a" / "rules"]), rule_set_name([tmp_path / "b" / "rules"])
    assert one != other
    assert one.startswith("rules-")
    assert rule_set_name([tmp_path / "slow", tmp_path / "rules"]).startswith("slow+rules-")


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Settings of nobody, a folder of presets with one in it."""
    for name in list(os.environ):
        if name.startswith("LEADHOUSE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LEADHOUSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(settings_module, "SETTINGS_FILE", tmp_path / "leadhouse.toml")
    monkeypatch.setattr(settings_module, "PRESETS_DIR", tmp_path / "presets")
    monkeypatch.setattr(settings_module, "RULE_SETS_DIR", tmp_path / "rules")
    monkeypatch.setattr(manifest_module, "PROJECT_DIR", tmp_path)
    (tmp_path / "presets").mkdir()
    overlay(tmp_path / "presets" / "slow", reporting_currency="currency\nUSD\n")
    return tmp_path


def test_without_a_choice_the_seeds_are_the_rules(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().seeds_dir == BASE_SEEDS_DIR
    assert not (installation / "rules").exists()
    monkeypatch.setattr(manifest_module, "PROJECT_DIR", BASE_SEEDS_DIR.parent)
    assert seeds_path(BASE_SEEDS_DIR) == "seeds"


def test_preset_and_own_rules_reach_dbt(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (installation / "leadhouse.toml").write_text('preset = "slow"\n')
    found = load_settings().seeds_dir
    assert found.parent == installation / "rules"
    assert found.name.startswith("slow-")
    assert (found / "reporting_currency.csv").read_text() == "currency\nUSD\n"
    before = project_fingerprint(seeds_dir=found)
    own = overlay(installation / "own", reporting_currency="currency\nBRL\n")
    monkeypatch.setenv("LEADHOUSE_RULES_DIR", str(own))
    found = load_settings().seeds_dir
    assert (found / "reporting_currency.csv").read_text() == "currency\nBRL\n"
    assert project_fingerprint(seeds_dir=found) != before
    with dbt_environment():
        # Never absolute: dbt would write over the files.
        assert os.environ["LEADHOUSE_SEEDS_DIR"] == f"rules/{found.name}"
    assert load_settings().as_environment()["LEADHOUSE_PRESET"] == "slow"


def test_an_unknown_preset_names_the_known(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert known_presets(installation / "presets") == ["slow"]
    monkeypatch.setenv("LEADHOUSE_PRESET", "slwo")
    with pytest.raises(SettingsError, match=r"LEADHOUSE_PRESET.*known presets are slow.*slwo"):
        load_settings()
    monkeypatch.setenv("LEADHOUSE_PRESET", "")
    assert load_settings().preset is None


def test_a_wrong_file_of_the_rules_is_a_wrong_setting(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = overlay(installation / "own", fit_rule="x\n")
    monkeypatch.setenv("LEADHOUSE_RULES_DIR", str(own))
    with pytest.raises(SettingsError, match=r"nearest name is fit_rules\.csv"):
        _ = load_settings().seeds_dir
