from __future__ import annotations

from pathlib import Path

import pytest

from leadhouse.settings import PROJECT_DIR, SettingsError, load_settings


def write_toml(folder: Path, text: str) -> None:
    (folder / "leadhouse.toml").write_text(text, encoding="utf-8")


def test_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADHOUSE_DATA_DIR")
    found = load_settings()
    assert found.warehouse == PROJECT_DIR / "data/warehouse.duckdb"
    assert found.current_snapshot == PROJECT_DIR / "data/published/current.duckdb"
    assert found.ops_store_url == f"sqlite:///{PROJECT_DIR / 'data/ops.db'}"


def test_environment_goes_before_the_file(own_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml(own_settings, "burst_limit = 100\nrequests_in_flight = 2\n")
    monkeypatch.setenv("LEADHOUSE_BURST_LIMIT", "50")
    found = load_settings()
    assert (found.burst_limit, found.requests_in_flight) == (50, 2)


def test_unknown_key_names_file_and_key(own_settings: Path) -> None:
    write_toml(own_settings, 'warehuose_path = "x.duckdb"\n')
    with pytest.raises(SettingsError, match=r"leadhouse\.toml, key warehuose_path: no such setting.*warehouse_path"):
        load_settings()


def test_token_in_the_file_is_refused_and_not_shown(own_settings: Path) -> None:
    write_toml(own_settings, 'hubspot_token = "pat-secret"\n')
    with pytest.raises(SettingsError, match=r"environment only.*LEADHOUSE_HUBSPOT_TOKEN") as caught:
        load_settings()
    assert "pat-secret" not in str(caught.value)


def test_broken_toml_names_the_file_and_line(own_settings: Path) -> None:
    write_toml(own_settings, "burst_limit =\n")
    with pytest.raises(SettingsError, match=r"leadhouse\.toml: not a valid TOML file.*line 1"):
        load_settings()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("burst_limit", "0", "greater than or equal to 1"), ("hubspot_base_url", "not a url", "valid url")],
)
def test_bad_value_names_its_source(
    own_settings: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"LEADHOUSE_{key.upper()}", value)
    with pytest.raises(SettingsError, match=f"environment variable LEADHOUSE_{key.upper()}.*{said}"):
        load_settings()
    monkeypatch.delenv(f"LEADHOUSE_{key.upper()}")
    write_toml(own_settings, f'{key} = "{value}"\n')
    with pytest.raises(SettingsError, match=rf"leadhouse\.toml, key {key}.*{said}"):
        load_settings()


def test_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_TOKEN", "pat-secret")
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
    found = load_settings()
    assert "pat-secret" not in repr(found)
    assert "pat-secret" not in str(found.as_environment())
    assert found.hubspot_access() == ("http://127.0.0.1:1", "pat-secret")


def test_missing_token_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(SettingsError, match="LEADHOUSE_HUBSPOT_TOKEN in the environment"):
        load_settings().hubspot_access()


def test_mappings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_MAPPINGS", "docs/examples/a.yml, /elsewhere/b.yml")
    assert load_settings().mappings == [PROJECT_DIR / "docs/examples/a.yml", Path("/elsewhere/b.yml")]
