"""Settings: the environment first, then ``leadhouse.toml``, then defaults that need nothing.

A leaf module: it imports nothing of ours but other leaves, so that ``orchestration`` may read it too. Secrets come from
the environment only and are never printed.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from crm_access import CrmAccess
from leadhouse.rule_sets import RuleSetError, compose, known_presets, rule_set_name

#: The folder of the dbt project, of the seeds and of ``leadhouse.toml``. Relative paths in settings start here.
PROJECT_DIR = Path(__file__).resolve().parents[1]
SETTINGS_FILE = PROJECT_DIR / "leadhouse.toml"
#: The rules as the project ships them, and the folders that change a few of them for one kind of business.
BASE_SEEDS_DIR = PROJECT_DIR / "seeds"
PRESETS_DIR = PROJECT_DIR / "presets"
#: Rule sets as dbt reads them. Inside the project, because dbt writes what it compiles of a seed to its target folder
#: joined with the seed's path: one outside the project, an absolute path, would be overwritten itself.
RULE_SETS_DIR = PROJECT_DIR / "target" / "rules"
ENV_PREFIX = "LEADHOUSE_"
#: Parts of HubSpot that can be read alone: the load groups of ``ingestion/hubspot``.
HUBSPOT_GROUPS = ("reference", "crm_objects", "engagements", "marketing", "lists")
#: A setting whose name holds one of these is a secret: not read from files, not shown.
_SECRET_WORDS = ("token", "secret", "password", "private_key", "erasure_key")
#: Salesforce has no burst limit of its own (25 long requests at a time, and a quota a day): a brake, not a rule.
_SALESFORCE_BURST = (1_000, 10.0)


class SettingsError(Exception):
    """A setting is missing or wrong. The message names where it was read, the key, the rule and what to do."""


class Settings(BaseSettings):
    """Everything an installation can choose. Field names are the keys of ``leadhouse.toml``.

    Environment: ``LEADHOUSE_<NAME>``. Paths are absolute after loading.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=True)

    data_dir: Path = Field(default=Path("data"), description="Folder for everything that is written.")
    warehouse_path: Path | None = Field(default=None, description="The working warehouse, a DuckDB file.")
    published_dir: Path | None = Field(default=None, description="Folder of the published snapshots.")
    site_dir: Path = Field(default=Path("site"), description="Folder of the report pages.")
    ops_url: str | None = Field(default=None, description="SQLAlchemy URL of the operational store.")
    inbox_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the inbox of events. Default: ops_url if that is PostgreSQL, else a SQLite file "
        "of its own in data_dir.",
    )
    collect_max_body_bytes: int = Field(
        default=1_048_576, ge=1_024, description="Largest request the collector takes, as sent and unpacked."
    )
    collect_max_event_bytes: int = Field(default=65_536, ge=256, description="Largest event the collector takes.")
    collect_events_per_second: int = Field(
        default=5_000, ge=1, description="Events a second that one write key may send, lasting; twice that in a burst."
    )
    collect_public_url: AnyHttpUrl | None = Field(
        default=None,
        description="The collector's address as the world knows it, where a proxy stands before it (HubSpot signs it).",
    )
    hubspot_webhook_secret: SecretStr | None = Field(
        default=None, description="Client secret of the HubSpot app whose webhooks are taken; environment only."
    )
    hubspot_base_url: AnyHttpUrl | None = Field(default=None, description="None: HubSpot is neither read nor written.")
    hubspot_token: SecretStr | None = Field(default=None, description="Bearer token; environment only.")
    hubspot_groups: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Which parts of HubSpot are read (environment: comma-separated): reference, crm_objects, "
        "engagements, marketing, lists. None named: all. `marketing` alone where another CRM holds the people.",
    )
    salesforce_login_url: AnyHttpUrl | None = Field(
        default=None,
        description="Where the token comes from: https://NAME.my.salesforce.com. None: Salesforce is neither read nor "
        "written.",
    )
    salesforce_client_id: str | None = Field(default=None, description="Consumer key of the External Client App.")
    salesforce_client_secret: SecretStr | None = Field(
        default=None, description="Consumer secret, for the client credentials flow; environment only."
    )
    salesforce_username: str | None = Field(default=None, description="The integration user, for the JWT bearer flow.")
    salesforce_private_key: SecretStr | None = Field(
        default=None, description="RSA private key in PEM form, for the JWT bearer flow; environment only."
    )
    salesforce_private_key_file: Path | None = Field(
        default=None, description="A file that holds the private key, instead of the variable."
    )
    salesforce_reserve: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the org's daily API requests that is left to others: loads stop when less remains.",
    )
    other_crms: dict[str, AnyHttpUrl] = Field(
        default_factory=dict,
        description="Addresses of CRMs with a connector of your own, by its name (docs/adding-a-crm.md).",
    )
    erasure_key: SecretStr | None = Field(
        default=None, description="Secret that recognises erased people; environment only. Default: a file in data_dir."
    )
    events_dir: Path | None = Field(default=None, description="Folder of event files (Segment lines or Parquet).")
    ads_dir: Path | None = Field(default=None, description="Folder of ad spend CSV files.")
    enrichment_dir: Path | None = Field(default=None, description="Folder of enrichment CSV files.")
    mappings: Annotated[list[Path], NoDecode] = Field(
        default=[], description="Mapping files for other CSV or Parquet exports (environment: comma-separated)."
    )
    burst_limit: int = Field(default=190, ge=1, description="Requests the portal allows in one burst window.")
    burst_seconds: float = Field(default=10.0, gt=0, description="Length of the burst window, in seconds.")
    requests_in_flight: int = Field(default=6, ge=1, le=64, description="Concurrent requests to the portal.")
    daily_share: float = Field(
        default=0.8, gt=0, le=1, description="Share of a CRM's daily requests that the write-back may use."
    )
    memory_limit: str | None = Field(
        default=None,
        pattern=r"^\d+(\.\d+)?\s?([KMGT]i?B)$",
        description="Most memory the warehouse may use, such as 6GB; DuckDB's default is 80 % of the machine's.",
    )
    preset: str | None = Field(default=None, description="Name of a folder in presets/ laid over the seeds.")
    rules_dir: Path | None = Field(
        default=None, description="Folder of the team's own rule files, laid over the seeds and the preset."
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None, description="Told when the write-back needs a person; environment only."
    )
    alert_email_to: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="Addresses that are written to when the write-back needs a person."
    )
    alert_smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp://user:password@host:587 (or smtps://; ?from=address names the sender); environment only.",
    )
    serve_token: SecretStr | None = Field(
        default=None, description="Opens the pages of `leadhouse serve`; at least 16 characters; environment only."
    )
    keep_published: int = Field(default=3, ge=1, description="Published snapshots kept, the current one included.")

    @field_validator("mappings", "hubspot_groups", "alert_email_to", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            text = value.strip()
            return json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part]
        return value

    @field_validator("hubspot_groups")
    @classmethod
    def _known_groups(cls, value: list[str]) -> list[str]:
        unknown = sorted(set(value) - set(HUBSPOT_GROUPS))
        if unknown:
            raise ValueError(f"no such part: {', '.join(unknown)}; the parts are {', '.join(HUBSPOT_GROUPS)}")
        return value

    @field_validator("preset", "rules_dir", "salesforce_private_key_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, value: str | None) -> str | None:
        known = known_presets(PRESETS_DIR)
        if value is not None and value not in known:
            raise ValueError(f"no such preset; known presets are {', '.join(known) or '(none)'}")
        return value

    @field_validator(
        "data_dir",
        "warehouse_path",
        "published_dir",
        "site_dir",
        "events_dir",
        "ads_dir",
        "enrichment_dir",
        "rules_dir",
        "salesforce_private_key_file",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else PROJECT_DIR / value.expanduser()

    @field_validator("mappings")
    @classmethod
    def _absolute_mappings(cls, value: list[Path]) -> list[Path]:
        return [PROJECT_DIR / path.expanduser() for path in value]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic-settings passes all four by name)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then ``leadhouse.toml``; no ``.env`` file."""
        return init_settings, env_settings, _TomlFile(settings_cls)

    @property
    def warehouse(self) -> Path:
        """The working warehouse (one writer at a time)."""
        return self.warehouse_path or self.data_dir / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """Folder of ``<build_id>.duckdb`` files and of the ``current.duckdb`` link."""
        return self.published_dir or self.data_dir / "published"

    @property
    def current_snapshot(self) -> Path:
        """The link to the newest published snapshot."""
        return self.published / "current.duckdb"

    @property
    def ops_store_url(self) -> str:
        """SQLAlchemy URL of the operational store."""
        return self.ops_url or f"sqlite:///{self.data_dir / 'ops.db'}"

    @property
    def inbox_store_url(self) -> str:
        """SQLAlchemy URL of the inbox. Not the SQLite file of the operational store: a plan that is being written there
        would keep visitors' events waiting."""
        if self.inbox_url:
            return self.inbox_url
        if self.ops_url and self.ops_url.startswith("postgresql"):
            return self.ops_url
        return f"sqlite:///{self.data_dir / 'inbox.db'}"

    @property
    def has_inbox(self) -> bool:
        """Whether there may be events in an inbox (a SQLite file that is not there yet holds none)."""
        kind, _, path = self.inbox_store_url.partition(":///")
        return not kind.startswith("sqlite") or Path(path).exists()

    @property
    def pipelines_dir(self) -> Path:
        """Where loaders keep their cursors and unfinished packages."""
        return self.data_dir / "pipelines"

    @property
    def crm_state_dir(self) -> Path:
        """Where the processes of this machine share each CRM's request budget."""
        return self.data_dir / "crm"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own folder: run history, event logs, its settings."""
        return self.data_dir / "dagster"

    @property
    def manifest_path(self) -> Path:
        """dbt's ``manifest.json``; its folder follows dbt's own ``DBT_TARGET_PATH``."""
        return PROJECT_DIR / os.environ.get("DBT_TARGET_PATH", "target") / "manifest.json"

    @property
    def seeds_dir(self) -> Path:
        """The rules in force, as CSV files: the seeds, or a folder of ``target/rules`` when some are replaced.

        Raises:
            SettingsError: a replaced file is not one of the seeds.
        """
        overlays = self.rule_overlays()
        if not overlays:
            return BASE_SEEDS_DIR
        return composed_rules(overlays)

    def rule_overlays(self, *more: Path) -> list[Path]:
        """The folders that are laid over the seeds, later ones last: the preset, the team's own, then ``more``."""
        chosen = [PRESETS_DIR / self.preset if self.preset else None, self.rules_dir]
        return [folder for folder in (*chosen, *more) if folder is not None]

    @property
    def replays_dir(self) -> Path:
        """Folder of past days and of changed rules, each computed into a file of its own."""
        return self.data_dir / "replays"

    def hubspot_access(self) -> tuple[str, str]:
        """Base URL and token of the portal.

        Raises:
            SettingsError: one of the two is missing.
        """
        if self.hubspot_base_url is None:
            raise SettingsError(
                "No HubSpot portal is configured. Set LEADHOUSE_HUBSPOT_BASE_URL (https://api.hubapi.com, or the "
                "address that `leadhouse sandbox` prints) and LEADHOUSE_HUBSPOT_TOKEN."
            )
        if self.hubspot_token is None or not self.hubspot_token.get_secret_value():
            raise SettingsError(
                f"A HubSpot portal is configured ({self.hubspot_base_url}) but its token is not. Set "
                "LEADHOUSE_HUBSPOT_TOKEN in the environment; tokens are not read from files."
            )
        return str(self.hubspot_base_url).rstrip("/"), self.hubspot_token.get_secret_value()

    def salesforce_access(self) -> CrmAccess:
        """How to reach the Salesforce org.

        Raises:
            SettingsError: the login address or the credentials are missing, or the key file cannot be read.
        """
        if self.salesforce_login_url is None:
            raise SettingsError(
                "No Salesforce org is configured. Set LEADHOUSE_SALESFORCE_LOGIN_URL "
                "(https://NAME.my.salesforce.com), LEADHOUSE_SALESFORCE_CLIENT_ID and the credentials "
                "(docs/salesforce.md)."
            )
        if not self.salesforce_client_id:
            raise SettingsError(
                f"A Salesforce org is configured ({self.salesforce_login_url}) but the consumer key of its app is "
                "not. Set LEADHOUSE_SALESFORCE_CLIENT_ID."
            )
        limit, seconds = _SALESFORCE_BURST
        return CrmAccess(
            "salesforce",
            str(self.salesforce_login_url).rstrip("/"),
            {"client_id": self.salesforce_client_id, **self._salesforce_secrets()},
            burst_limit=limit,
            burst_seconds=seconds,
            requests_in_flight=self.requests_in_flight,
            state_dir=self.crm_state_dir,
            daily_share=self.daily_share,
        )

    def _salesforce_secrets(self) -> dict[str, str]:
        private_key = _revealed(self.salesforce_private_key).replace("\\n", "\n")
        if self.salesforce_private_key_file is not None and not private_key:
            try:
                private_key = self.salesforce_private_key_file.read_text(encoding="ascii")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    f"LEADHOUSE_SALESFORCE_PRIVATE_KEY_FILE: {self.salesforce_private_key_file} cannot be read as a "
                    f"PEM file ({type(error).__name__})."
                ) from None
        if private_key and self.salesforce_username:
            return {"username": self.salesforce_username, "private_key": private_key}
        if _revealed(self.salesforce_client_secret):
            return {"client_secret": _revealed(self.salesforce_client_secret)}
        raise SettingsError(
            f"A Salesforce org is configured ({self.salesforce_login_url}) but nothing that opens it. Set "
            "LEADHOUSE_SALESFORCE_CLIENT_SECRET (client credentials flow), or LEADHOUSE_SALESFORCE_USERNAME with "
            "LEADHOUSE_SALESFORCE_PRIVATE_KEY or ..._PRIVATE_KEY_FILE (JWT bearer flow), in the environment."
        )

    @property
    def crms(self) -> tuple[str, ...]:
        """The CRMs that are connected. HubSpot is none where only its marketing part is read."""
        hubspot = self.hubspot_base_url is not None and "crm_objects" in (self.hubspot_groups or HUBSPOT_GROUPS)
        return (
            *(("hubspot",) if hubspot else ()),
            *(("salesforce",) if self.salesforce_login_url is not None else ()),
            *self.other_crms,
        )

    def crm_access(self) -> dict[str, CrmAccess]:
        """How to reach every CRM that is connected, by its name.

        Raises:
            SettingsError: no CRM is connected, or one lacks its credentials.
        """
        if not self.crms:
            raise SettingsError(
                "No CRM is connected. Set LEADHOUSE_HUBSPOT_BASE_URL and LEADHOUSE_HUBSPOT_TOKEN (and leave "
                "LEADHOUSE_HUBSPOT_GROUPS empty), or LEADHOUSE_SALESFORCE_LOGIN_URL and its credentials "
                "(docs/salesforce.md)."
            )
        found: dict[str, CrmAccess] = {}
        if "hubspot" in self.crms:
            base_url, token = self.hubspot_access()
            found["hubspot"] = CrmAccess(
                "hubspot",
                base_url,
                {"token": token},
                burst_limit=self.burst_limit,
                burst_seconds=self.burst_seconds,
                requests_in_flight=self.requests_in_flight,
                state_dir=self.crm_state_dir,
                daily_share=self.daily_share,
            )
        if "salesforce" in self.crms:
            found["salesforce"] = self.salesforce_access()
        for name, address in self.other_crms.items():
            found[name] = CrmAccess(
                name,
                str(address).rstrip("/"),
                _secrets_of(name),
                burst_limit=self.burst_limit,
                burst_seconds=self.burst_seconds,
                requests_in_flight=self.requests_in_flight,
                state_dir=self.data_dir / "crm",
            )
        return found

    def smtp_url(self) -> str:
        """The mail server that alerts go through, credentials included.

        Raises:
            SettingsError: addresses are named, and no server.
        """
        if self.alert_smtp_url is None:
            raise SettingsError(
                "alert_email_to names somebody, and no mail server is configured. Set LEADHOUSE_ALERT_SMTP_URL in the "
                "environment (smtp://user:password@host:587)."
            )
        url = self.alert_smtp_url.get_secret_value()
        if not url.startswith(("smtp://", "smtps://")):
            raise SettingsError("LEADHOUSE_ALERT_SMTP_URL must begin with smtp:// or smtps://.")
        return url

    def as_environment(self) -> dict[str, str]:
        """The paths, the store and the rules as environment variables, for a child process or for dbt (no secrets)."""
        return {
            **({"LEADHOUSE_PRESET": self.preset} if self.preset else {}),
            **({"LEADHOUSE_RULES_DIR": str(self.rules_dir)} if self.rules_dir else {}),
            "LEADHOUSE_DATA_DIR": str(self.data_dir),
            "LEADHOUSE_WAREHOUSE_PATH": str(self.warehouse),
            "LEADHOUSE_PUBLISHED_DIR": str(self.published),
            "LEADHOUSE_OPS_URL": self.ops_store_url,
            "LEADHOUSE_INBOX_URL": self.inbox_store_url,
        }


def composed_rules(overlays: Sequence[Path], name: str | None = None) -> Path:
    """Writes the seeds with ``overlays`` laid over them into a folder, which is returned; only what changed.

    ``name``: of the folder in ``target/rules``; made of those of the overlays by default.

    Raises:
        SettingsError: an overlay is no folder, or a file of it is not one of the seeds.
    """
    try:
        return compose(BASE_SEEDS_DIR, overlays, RULE_SETS_DIR / (name or rule_set_name(overlays)))
    except RuleSetError as error:
        raise SettingsError(str(error)) from None


class _TomlFile(PydanticBaseSettingsSource):
    """``leadhouse.toml``, with its keys checked before pydantic sees them so that the message can name the file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError(f"the file is read as a whole, not by field ({field}, {field_name})")

    def __call__(self) -> dict[str, Any]:
        return read_settings_file(SETTINGS_FILE)


def read_settings_file(path: Path) -> dict[str, Any]:
    """The keys and values of a ``leadhouse.toml``; empty when there is no such file.

    Raises:
        SettingsError: the file is not TOML, holds a secret, or holds a key that no setting has.
    """
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: not a valid TOML file: {error}") from error
    for key in values:
        if is_secret(key):
            raise SettingsError(
                f"{path.name}, key {key}: secrets are read from the environment only. Delete the line, revoke the "
                f"value if the file was shared, and set {ENV_PREFIX}{key.upper()} instead."
            )
        if key not in Settings.model_fields:
            known = ", ".join(name for name in Settings.model_fields if not is_secret(name))
            raise SettingsError(f"{path.name}, key {key}: no such setting. Known settings: {known}.")
    return values


def load_settings(**overrides: Any) -> Settings:
    """The settings of this installation; ``overrides`` come before every other source.

    Raises:
        SettingsError: a value breaks a rule; names the variable or the key, the value's problem and the rule.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_explain(error, os.environ, overrides)) from None
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"LEADHOUSE_MAPPINGS or LEADHOUSE_HUBSPOT_GROUPS: neither a comma-separated list nor a JSON list: {error}"
        ) from error


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret, or sounds as if it did (a file's path is none)."""
    field = Settings.model_fields.get(name)
    if field is not None and "SecretStr" in str(field.annotation):
        return True
    return not name.endswith("_file") and any(word in name for word in _SECRET_WORDS)


def _secrets_of(crm: str) -> dict[str, str]:
    """``LEADHOUSE_<CRM>_<NAME>`` of the environment, as ``{name: value}``.

    Raises:
        SettingsError: there is none.
    """
    prefix = f"{ENV_PREFIX}{crm.upper()}_"
    found = {name.removeprefix(prefix).lower(): value for name, value in os.environ.items() if name.startswith(prefix)}
    if not found:
        raise SettingsError(
            f"The CRM {crm!r} is configured (other_crms) but nothing that opens it. Set {prefix}TOKEN, or whatever its "
            "connector asks for, in the environment."
        )
    return found


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _explain(error: ValidationError, environment: Mapping[str, str], overrides: Mapping[str, Any]) -> str:
    sentences = []
    for problem in error.errors(include_input=True, include_url=False):
        key = str(problem["loc"][0]) if problem["loc"] else "?"
        variable = f"{ENV_PREFIX}{key.upper()}"
        if key in overrides:
            where = f"option {key}"
        elif any(name.upper() == variable for name in environment):
            where = f"environment variable {variable}"
        else:
            where = f"{SETTINGS_FILE.name}, key {key}"
        field = Settings.model_fields.get(key)
        shown = "" if is_secret(key) else f" (found {problem['input']!r})"
        meaning = f" {field.description}" if field and field.description else ""
        sentences.append(f"{where}: {problem['msg'].lower()}{shown}.{meaning}")
    return " ".join(sentences)
