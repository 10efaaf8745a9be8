"""What to write where: the ``config.meta.sync`` and ``config.meta.list`` blocks of the dbt project's ``manifest.json``.

A sync is a model whose rows are the wanted state of CRM records; a list is a model whose rows are its wanted members;
an association is a model whose rows are pairs of records that belong together. Each is described next to its model in
YAML (docs/interfaces.md §7), so that adding one takes no Python. Everything here is checked before anything is planned;
a mistake names the model, its file and the key.
"""

from __future__ import annotations

import builtins
import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from reverse_etl.connectors import crm_type
from reverse_etl.errors import ManifestError
from reverse_etl.policies import CONSENT_RULES, POLICIES, FieldRule

PropertyType = Literal["string", "number", "bool", "date", "datetime", "enumeration", "phone_number"]


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
    #: The CRM defines the property itself: it is never made, and its options are the CRM's.
    standard: bool = False
    #: What becomes of the property when the column is empty: ``keep`` its value, or ``clear`` it where it is ours to
    #: clear. Not given: as the policy says.
    when_empty: Literal["keep", "clear"] | None = None
    #: ``forward_only``: the values from first to last. In the YAML also ``seed.column``: that column's values in the
    #: order of the seed's lines.
    order: tuple[str, ...] = ()
    #: ``forward_only``: a boolean column that says of a row that moving back is what the rule asks for.
    back_when: str | None = None
    #: ``forward_only``: a timestamp column, since when our value holds; what a person changed later stands.
    since: str | None = None

    @field_validator("options", mode="before")
    @classmethod
    def _plain_options(cls, value: Any) -> Any:
        """``[a, b]`` is short for ``[{value: a, label: a}, ...]``."""
        if isinstance(value, (list, tuple)):
            return [{"value": str(o), "label": str(o)} if not isinstance(o, (dict, OptionSpec)) else o for o in value]
        return value

    @field_validator("policy")
    @classmethod
    def _known_policy(cls, value: str) -> str:
        if value not in POLICIES:
            raise ValueError(f"unknown policy {value!r}: use one of {', '.join(sorted(POLICIES))}")
        return value

    @field_validator("order")
    @classmethod
    def _distinct_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({one for one in value if value.count(one) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} stands in it twice: name each value once, the first stage first")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> FieldSpec:
        if self.type == "enumeration" and not self.options and not self.standard:
            raise ValueError(
                f"property {self.property!r} is an enumeration: name its options (or say standard: true, if it is one "
                "that the CRM defines)"
            )
        policy = POLICIES[self.policy]
        if policy.needs_order and len(self.order) < 2:
            raise ValueError(f"policy {self.policy!r} needs order: the values of {self.property!r} from first to last")
        for key in ("order", "back_when", "since"):
            if getattr(self, key) and not policy.needs_order:
                raise ValueError(f"{key} is for policy 'forward_only'; {self.property!r} has policy {self.policy!r}")
        if self.when_empty == "clear" and not policy.may_clear:
            raise ValueError(f"when_empty 'clear' would empty what people enter: policy {self.policy!r} never does")
        return self

    @builtins.property
    def is_multiple(self) -> bool:
        """Whether the value is a set of options joined by ``;``."""
        return self.field_type == "checkbox"

    @builtins.property
    def clears(self) -> bool:
        """Whether an empty column may empty the property."""
        if self.when_empty is not None:
            return self.when_empty == "clear"
        return POLICIES[self.policy].clears_by_default

    @builtins.property
    def rule(self) -> FieldRule:
        """The policy with what this field says of it."""
        return FieldRule(self.policy, self.clears, self.order)

    @builtins.property
    def columns(self) -> list[str]:
        """The model's columns that the field reads."""
        return [name for name in (self.column, self.back_when, self.since) if name is not None]


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
    """What every kind has in common; ``model``, ``relation`` and ``file`` come from the manifest's node.

    ``sync`` is the name in plans, store and ledger: the model's, with ``@<destination>`` behind it for every block of
    a model's list but the first.
    """

    sync: str = ""
    model: str
    relation: str
    file: str
    destination: str
    owner: str
    consent: ConsentSpec | None = None
    guards: GuardSpec = GuardSpec()

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and not values.get("sync"):
            return {**values, "sync": values.get("model")}
        return values

    @field_validator("destination")
    @classmethod
    def _known_destination(cls, value: str) -> str:
        try:
            crm_type(value)
        except ManifestError as error:
            raise ValueError(str(error)) from error
        return value

    def _check_object(self, name: str) -> None:
        objects = crm_type(self.destination).objects
        if name not in objects:
            raise ValueError(f"{self.destination} has no object {name!r}: use one of {', '.join(objects)}")

    def _check_property(self, name: str) -> None:
        if not crm_type(self.destination).property_name.match(name):
            raise ValueError(f"{name!r} is not a property name of {self.destination}")


class _RecordTarget(_Target):
    """A kind that is about records of one object."""

    object: str
    record_id: str = "record_id"

    @model_validator(mode="after")
    def _known_object(self) -> _RecordTarget:
        self._check_object(self.object)
        return self


class SyncSpec(_RecordTarget):
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
        if self.match_on is not None:
            self._check_property(self.match_on.property)
        seen: set[str] = set()
        for name in [f.property for f in self.fields] + [f.property for f in self.create_only_fields]:
            self._check_property(name)
            if name in seen:
                raise ValueError(f"property {name!r} is named twice")
            seen.add(name)
        return self


class ListSpec(_RecordTarget):
    """A model whose rows are the wanted members of a static list.

    What a list is for and who is kept off it are part of its definition, not an option: people are written to because
    they stand on it.
    """

    kind: Literal["list"] = "list"
    name: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    consent: ConsentSpec


class AssociationSpec(_Target):
    """A model whose rows are pairs of records that belong together. Pairs are only ever added, never taken away."""

    kind: Literal["association"] = "association"
    from_object: str
    to_object: str
    from_id: str = "from_id"
    to_id: str = "to_id"
    key: str = "sync_key"

    @model_validator(mode="after")
    def _known_objects(self) -> AssociationSpec:
        self._check_object(self.from_object)
        self._check_object(self.to_object)
        return self

    @builtins.property
    def object(self) -> str:
        """The object whose records the pairs start from: what the ledger names."""
        return self.from_object

    @builtins.property
    def record_id(self) -> str:
        """The column of the record that a pair starts from."""
        return self.from_id


Spec = SyncSpec | ListSpec | AssociationSpec

_KINDS: dict[str, type[SyncSpec] | type[ListSpec] | type[AssociationSpec]] = {
    "sync": SyncSpec, "association": AssociationSpec, "list": ListSpec,
}  # fmt: skip


def spec_from_values(values: Mapping[str, Any]) -> Spec:
    """A spec as a plan keeps it (``model_dump``), read back."""
    return _KINDS[str(values["kind"])].model_validate(values)


def load_specs(
    manifest_path: str | Path,
    *,
    only: str | Iterable[str] | None = None,
    destinations: Iterable[str] | None = None,
) -> list[Spec]:
    """Read every sync, association and list of the project, by destination; in each the syncs first, the lists last
    (what they name must exist), each kind by name.

    ``only`` keeps the named models or syncs, ``destinations`` those of the named CRMs. Raises :class:`ManifestError`
    naming the model, the file and the key.
    """
    path = Path(manifest_path)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: there is no dbt manifest here; run `dbt parse` or a build first") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not a readable dbt manifest ({error}); run `dbt parse` again") from error
    specs: list[Spec] = []
    seeds = _Seeds(path, manifest)
    for node in manifest.get("nodes", {}).values():
        if node.get("resource_type") == "model":
            specs.extend(_specs_of(node, seeds))
    kinds = list(_KINDS)
    specs.sort(key=lambda spec: (spec.destination, kinds.index(spec.kind), spec.sync))
    _check_one_owner_per_property(specs)
    if only is not None:
        wanted = {only} if isinstance(only, str) else set(only)
        known = [name for spec in specs for name in (spec.model, spec.sync)]
        unknown = wanted.difference(known)
        if unknown:
            raise ManifestError(
                f"{', '.join(sorted(unknown))}: no such sync or list in {path}; "
                f"known: {', '.join(dict.fromkeys(known)) or 'none'}. A sync is a model with config.meta.sync, an "
                "association one with config.meta.association, a list one with config.meta.list"
            )
        specs = [spec for spec in specs if spec.model in wanted or spec.sync in wanted]
    if destinations is not None:
        connected = set(destinations)
        specs = [spec for spec in specs if spec.destination in connected]
    return specs


class _Seeds:
    """The seeds of the manifest, for keys that name one as ``seed.column``."""

    def __init__(self, manifest_path: Path, manifest: Mapping[str, Any]) -> None:
        self._project = manifest_path.absolute().parent.parent
        self._nodes = {
            node["name"]: node for node in manifest.get("nodes", {}).values() if node.get("resource_type") == "seed"
        }

    def values(self, reference: str) -> list[str]:
        """The column's distinct values, in the order of the seed's lines."""
        seed, _, column = reference.partition(".")
        node = self._nodes.get(seed)
        if node is None or not column:
            raise ValueError(f"{reference!r} is no seed.column of this project; name one, or list the values")
        file = Path(node.get("root_path") or self._project) / str(node["original_file_path"])
        try:
            with file.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except OSError as error:
            raise ValueError(f"{node['original_file_path']} cannot be read: {error.strerror}") from error
        if rows and column not in rows[0]:
            raise ValueError(f"{node['original_file_path']} has no column {column!r}; it has {', '.join(rows[0])}")
        return list(dict.fromkeys(value for row in rows if (value := (row[column] or "").strip())))


def _specs_of(node: dict[str, Any], seeds: _Seeds) -> list[Spec]:
    meta = {**(node.get("meta") or {}), **((node.get("config") or {}).get("meta") or {})}
    file = str(node.get("patch_path") or node.get("original_file_path") or "?").split("://")[-1]
    found: list[Spec] = []
    for kind in _KINDS:
        if kind not in meta:
            continue
        where = f"{file}: model {node['name']}: config.meta.{kind}"
        blocks = meta[kind]
        is_many = kind == "list" and isinstance(blocks, list)
        for number, block in enumerate(blocks if is_many else [blocks]):
            place = f"{where}[{number}]" if is_many else where
            spec = _spec(kind, block, place, node, file, seeds, is_first=number == 0)
            if any(other.sync == spec.sync or (is_many and other.destination == spec.destination) for other in found):
                raise ManifestError(f"{place}.destination: {spec.destination} has a block already; keep one a CRM")
            found.append(spec)
    return found


def _spec(
    kind: str, block: Any, where: str, node: Mapping[str, Any], file: str, seeds: _Seeds, *, is_first: bool
) -> Spec:
    if not isinstance(block, dict):
        raise ManifestError(f"{where}: must be a block of keys, not {type(block).__name__}")
    reserved = {"sync", "model", "relation", "file", "kind"} & set(block)
    if reserved:
        raise ManifestError(f"{where}.{min(reserved)}: unknown key; remove it")
    identity = {
        "sync": node["name"] if is_first else f"{node['name']}@{block.get('destination')}",
        "model": node["name"],
        "relation": f'"{node["schema"]}"."{node.get("alias") or node["name"]}"',
        "file": file,
    }
    try:
        return _KINDS[kind].model_validate({**identity, **block, **_read_fields(block, where, node, seeds)})
    except ValidationError as error:
        raise ManifestError("\n".join(_problems(where, error))) from error


def _read_fields(block: Mapping[str, Any], where: str, node: Mapping[str, Any], seeds: _Seeds) -> dict[str, Any]:
    """The block's fields, each with what the model's YAML says of its column unless it has words of its own, and with
    the values of the seed that an ``order`` names."""
    fields = block.get("fields")
    if not isinstance(fields, list):
        return {}
    columns = node.get("columns") or {}
    read: list[Any] = []
    for number, field in enumerate(fields):
        if isinstance(field, dict):
            field = dict(field)
            if not field.get("description"):
                field["description"] = (columns.get(str(field.get("column"))) or {}).get("description") or ""
            if isinstance(field.get("order"), str):
                try:
                    field["order"] = seeds.values(field["order"])
                except ValueError as error:
                    raise ManifestError(f"{where}.fields[{number}].order: {error}") from error
        read.append(field)
    return {"fields": read}


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
            if not POLICIES[field.policy].overwrites:
                continue
            key = (spec.destination, spec.object, field.property)
            other = owners.setdefault(key, spec)
            if other is not spec:
                raise ManifestError(
                    f"{spec.file}: model {spec.model}: config.meta.sync.fields: property {field.property!r} of "
                    f"{spec.object} already belongs to {other.model}; one sync may change a property"
                )
