"""What to write where: the ``config.meta.sync`` and ``config.meta.list`` blocks of the dbt project's ``manifest.json``.

A sync is a model whose rows are the wanted state of CRM records; a list is a model whose rows are its wanted members.
Both are described next to the model in YAML (docs/interfaces.md §7), so that adding one takes no Python. Everything
here is checked before anything is planned; a mistake names the model, its file and the key.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from reverse_etl.errors import ManifestError
from reverse_etl.policies import CONSENT_RULES, POLICIES

PropertyType = Literal["string", "number", "bool", "date", "datetime", "enumeration", "phone_number"]
_PROPERTY_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionSpec(_Block):
    """One allowed value of an enumeration."""

    value: str
    label: str


class FieldSpec(_Block):
    """One property that a sync keeps in step, and who may change it (``policy``, see :mod:`reverse_etl.policies`)."""

    column: str
    property: str
    label: str
    type: PropertyType
    field_type: str
    policy: str = "ours"
    #: What the CRM's users read about the property; without one, the column's description.
    description: str = ""
    #: Whether no two records may have the same value, so that records can be looked up by it (``match_on``).
    unique: bool = False
    options: tuple[OptionSpec, ...] = ()

    @field_validator("options", mode="before")
    @classmethod
    def _plain_options(cls, value: Any) -> Any:
        """``[a, b]`` is short for ``[{value: a, label: a}, ...]``."""
        if isinstance(value, (list, tuple)):
            return [{"value": str(o), "label": str(o)} if not isinstance(o, (dict, OptionSpec)) else o for o in value]
        return value

    @field_validator("property")
    @classmethod
    def _property_name(cls, value: str) -> str:
        if not _PROPERTY_NAME.match(value):
            raise ValueError(f"{value!r} is not a property name: use lower-case letters, digits and _")
        return value

    @field_validator("policy")
    @classmethod
    def _known_policy(cls, value: str) -> str:
        if value not in POLICIES:
            raise ValueError(f"unknown policy {value!r}: use one of {', '.join(sorted(POLICIES))}")
        return value

    @model_validator(mode="after")
    def _options_of_enumeration(self) -> FieldSpec:
        if self.type == "enumeration" and not self.options:
            raise ValueError(f"property {self.property!r} is an enumeration: name its options")
        return self

    @builtins.property
    def is_multiple(self) -> bool:
        """Whether the value is a set of options joined by ``;``."""
        return self.field_type == "checkbox"


class CreateOnlySpec(_Block):
    """A property that is sent when a record is created and never again."""

    column: str
    property: str


class MatchSpec(_Block):
    """The unique property by which a record is looked for before it is created."""

    column: str
    property: str


class GroupSpec(_Block):
    """The group that our properties are shown under in the CRM."""

    name: str = "leadhouse"
    label: str = "Leadhouse"


class ConsentSpec(_Block):
    """A column and the rule that keeps the row away from the CRM (see :mod:`reverse_etl.policies`)."""

    column: str
    rule: str = "not_opted_out"

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, value: str) -> str:
        if value not in CONSENT_RULES:
            raise ValueError(f"unknown consent rule {value!r}: use one of {', '.join(sorted(CONSENT_RULES))}")
        return value


class GuardSpec(_Block):
    """What a plan may do without approval. Shares (0..1) are judged only on at least ``min_rows`` values or members."""

    max_changes: int | None = Field(default=None, ge=0)
    max_creates: int | None = Field(default=None, ge=0)
    #: Of a property's values now in the CRM, the share that the plan would empty.
    max_null_share: float | None = Field(default=None, ge=0, le=1)
    #: Of a list's members now, the share that the plan would remove.
    max_shrink_share: float | None = Field(default=None, ge=0, le=1)
    min_rows: int = Field(default=20, ge=1)


class _Target(_Block):
    """What a sync and a list have in common; ``model`` and ``relation`` come from the manifest's node."""

    model: str
    relation: str
    file: str
    destination: Literal["hubspot"]
    object: Literal["contacts", "companies"]
    owner: str
    record_id: str = "record_id"
    consent: ConsentSpec | None = None
    guards: GuardSpec = GuardSpec()


class SyncSpec(_Target):
    """A model whose rows are the wanted state of CRM records."""

    kind: Literal["sync"] = "sync"
    mode: Literal["update", "upsert"] = "update"
    key: str = "sync_key"
    match_on: MatchSpec | None = None
    group: GroupSpec = GroupSpec()
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    create_only_fields: tuple[CreateOnlySpec, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> SyncSpec:
        if self.mode == "upsert" and self.match_on is None:
            raise ValueError("mode 'upsert' needs match_on: the unique property looked up before a record is created")
        seen: set[str] = set()
        for name in [f.property for f in self.fields] + [f.property for f in self.create_only_fields]:
            if name in seen:
                raise ValueError(f"property {name!r} is named twice")
            seen.add(name)
        return self


class ListSpec(_Target):
    """A model whose rows are the wanted members of a static list.

    What a list is for and who is kept off it are part of its definition, not an option: people are written to because
    they stand on it.
    """

    kind: Literal["list"] = "list"
    name: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    consent: ConsentSpec


Spec = SyncSpec | ListSpec


def load_specs(manifest_path: str | Path, *, only: str | Iterable[str] | None = None) -> list[Spec]:
    """Read every sync and list of the project, syncs first (a list's members must exist), each kind by model name.

    ``only`` keeps the named models. Raises :class:`ManifestError` naming the model, the file and the key.
    """
    path = Path(manifest_path)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: there is no dbt manifest here; run `dbt parse` or a build first") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not a readable dbt manifest ({error}); run `dbt parse` again") from error
    specs: list[Spec] = []
    for node in manifest.get("nodes", {}).values():
        if node.get("resource_type") == "model":
            specs.extend(_specs_of(node))
    specs.sort(key=lambda spec: (spec.kind != "sync", spec.model))
    _check_one_owner_per_property(specs)
    if only is None:
        return specs
    wanted = {only} if isinstance(only, str) else set(only)
    unknown = wanted - {spec.model for spec in specs}
    if unknown:
        known = ", ".join(spec.model for spec in specs) or "none"
        raise ManifestError(
            f"{', '.join(sorted(unknown))}: no such sync or list in {path}; known: {known}. "
            "A sync is a model with config.meta.sync, a list one with config.meta.list"
        )
    return [spec for spec in specs if spec.model in wanted]


def _specs_of(node: dict[str, Any]) -> list[Spec]:
    meta = {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}
    file = str(node.get("patch_path") or node.get("original_file_path") or "?").split("://")[-1]
    found: list[Spec] = []
    for kind, build in (("sync", SyncSpec), ("list", ListSpec)):
        if kind not in meta:
            continue
        block = meta[kind]
        where = f"{file}: model {node['name']}: config.meta.{kind}"
        if not isinstance(block, dict):
            raise ManifestError(f"{where}: must be a block of keys, not {type(block).__name__}")
        reserved = {"model", "relation", "file", "kind"} & set(block)
        if reserved:
            raise ManifestError(f"{where}.{min(reserved)}: unknown key; remove it")
        identity = {
            "model": node["name"],
            "relation": f'"{node["schema"]}"."{node.get("alias") or node["name"]}"',
            "file": file,
        }
        try:
            found.append(build.model_validate({**identity, **_described(block, node.get("columns") or {})}))
        except ValidationError as error:
            raise ManifestError("\n".join(_problems(where, error))) from error
    return found


def _described(block: dict[str, Any], columns: dict[str, Any]) -> dict[str, Any]:
    """A field says of itself what the model's YAML says of its column, unless it has words of its own."""
    fields = block.get("fields")
    if not isinstance(fields, list):
        return block
    described = [
        {"description": (columns.get(str(f.get("column"))) or {}).get("description") or "", **f}
        if isinstance(f, dict) and not f.get("description")
        else f
        for f in fields
    ]
    return {**block, "fields": described}


def _problems(where: str, error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "unknown key; remove it or correct its spelling"
        elif problem["type"] == "missing":
            message = "is missing; add it"
        else:
            got = problem.get("input")
            if isinstance(got, (str, int, float, bool)) and problem["type"] != "value_error":
                message += f" (got {got!r})"
        lines.append(f"{where}{key}: {message}")
    return lines


def _check_one_owner_per_property(specs: Sequence[Spec]) -> None:
    """Two syncs that own one property would overwrite each other for ever."""
    owners: dict[tuple[str, str, str], SyncSpec] = {}
    for spec in specs:
        if not isinstance(spec, SyncSpec):
            continue
        for field in spec.fields:
            if field.policy != "ours":
                continue
            key = (spec.destination, spec.object, field.property)
            other = owners.setdefault(key, spec)
            if other is not spec:
                raise ManifestError(
                    f"{spec.file}: model {spec.model}: config.meta.sync.fields: property {field.property!r} of "
                    f"{spec.object} already belongs to {other.model} (policy 'ours'); one sync may own a property"
                )
