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


SALESFORCE = {
    "LEADHOUSE_SALESFORCE_LOGIN_URL": "https://acme.my.salesforce.com",
    "LEADHOUSE_SALESFORCE_CLIENT_ID": "3M",
}


def set_salesforce(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {**SALESFORCE, **more}.items():
        monkeypatch.setenv(name, value)


def test_every_connected_crm_has_its_access(monkeypatch: pytest.MonkeyPatch) -> None:
    set_salesforce(monkeypatch, LEADHOUSE_SALESFORCE_CLIENT_SECRET="s3cret")
    only_salesforce = load_settings().crm_access()
    assert list(only_salesforce) == ["salesforce"]
    assert only_salesforce["salesforce"].base_url == "https://acme.my.salesforce.com"
    assert dict(only_salesforce["salesforce"].credentials) == {"client_id": "3M", "client_secret": "s3cret"}
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_TOKEN", "pat-secret")
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
    assert list(load_settings().crm_access()) == ["hubspot", "salesforce"]
    assert "s3cret" not in repr(load_settings()) + repr(load_settings().crm_access())


def test_hubspot_read_for_its_marketing_is_no_crm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_TOKEN", "pat-secret")
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_GROUPS", "marketing, lists")
    found = load_settings()
    assert found.hubspot_groups == ["marketing", "lists"]
    assert found.crms == ()
    with pytest.raises(SettingsError, match="No CRM is connected"):
        found.crm_access()


def test_unknown_part_of_hubspot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_GROUPS", "marketing,sales")
    with pytest.raises(SettingsError, match=r"LEADHOUSE_HUBSPOT_GROUPS.*no such part: sales; the parts are reference"):
        load_settings()


def test_private_key_from_variable_or_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_salesforce(monkeypatch, LEADHOUSE_SALESFORCE_USERNAME="me@acme.com")
    with pytest.raises(SettingsError, match="nothing that opens it"):
        load_settings().salesforce_access()
    monkeypatch.setenv("LEADHOUSE_SALESFORCE_PRIVATE_KEY", r"-----BEGIN-----\nabc\n-----END-----")
    assert load_settings().salesforce_access().credentials["private_key"] == "-----BEGIN-----\nabc\n-----END-----"
    monkeypatch.delenv("LEADHOUSE_SALESFORCE_PRIVATE_KEY")
    monkeypatch.setenv("LEADHOUSE_SALESFORCE_PRIVATE_KEY_FILE", str(tmp_path / "key.pem"))
    with pytest.raises(SettingsError, match=r"PRIVATE_KEY_FILE: .*key\.pem cannot be read"):
        load_settings().salesforce_access()
    (tmp_path / "key.pem").write_text("-----BEGIN-----\n", encoding="ascii")
    assert load_settings().salesforce_access().credentials["private_key"] == "-----BEGIN-----\n"


@pytest.mark.parametrize("key", ["salesforce_client_secret", "salesforce_private_key"])
def test_salesforce_secret_in_the_file_is_refused(own_settings: Path, key: str) -> None:
    write_toml(own_settings, f'{key} = "s3cret"\n')
    with pytest.raises(SettingsError, match=f"environment only.*LEADHOUSE_{key.upper()}") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)
