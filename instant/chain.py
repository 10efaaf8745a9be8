"""The scoring models as one statement over one account: dbt's compiled SQL, with leaves for tables.

Nothing is written twice: a model's text is taken from the manifest as dbt compiled it, and only the names of the
relations that it reads are replaced by those of common table expressions. sqlglot reads it to tell whether a model may
be computed from one account's rows at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import TokenType, exp

from ingestion.events.rows import TABLE
from ingestion.tables import duckdb_type
from instant.errors import InstantError
from instant.leaves import BUILT, EVENT_COLUMNS, LEAVES, SCHEMA

TARGETS = ("fct_contact_scores", "fct_account_scores", "fct_score_ledger")
PREFIX = "lh__"
#: Where the scorer keeps what rests on the rules alone.
CONSTANTS = "memory.constants"
#: The one row of parameters of a cursor: ``scope``, ``others``, ``visitors``, ``events``, ``people``, ``as_of``.
PARAMETERS = "temp.main.parameters"

#: Columns that lie inside one account: a window or a sum over one of them needs no other account's rows.
ACCOUNT_KEYS = frozenset(
    (
        *("account_id", "contact_id", "visitor_id", "visitor_number", "anonymous_id", "session_id", "message_id"),
        *("message_hash", "person_record_id", "record_id", "record_key", "submission_id", "touch_id"),
    )
)

#: Windows and sums over other columns that are allowed all the same: model, expression (CTE) of it, why.
ALLOWED: Mapping[tuple[str, str], str] = {
    ("int_visitors", "final"): "The number only joins a visitor's pages; any number does.",
    ("int_page_paths", "matched"): "The kind of a path depends on the path and the rules alone.",
    ("int_traffic_channels", "categorised_names"): "The category of a name depends on the name and the rules alone.",
    ("int_traffic_channels", "matched"): "The channel of a combination depends on it and the rules alone.",
    ("int_tracked_touches", "named_kinds"): "The kind of an event's name depends on the name and the rules alone.",
    ("int_tracked_touches", "named_forms"): "The kind of a form's name depends on the name and the rules alone.",
    ("int_engagement_daily", "fingerprints"): "Tells a build which days to sum again; no score reads it.",
}


class ChainError(InstantError):
    """The scoring models cannot be computed for one account. The message names the model and what to do."""


class ModelNotRestricted(ChainError):
    """A model of the chain needs rows of other accounts."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"{model} cannot be computed for one account alone: {reason}. Partition it by a key of the account, or "
            "take it from the snapshot (instant/leaves.py) if no new event changes it."
        )
        self.model = model


class NotCompiled(ChainError):
    """The manifest holds no compiled SQL of a model."""


@dataclass(frozen=True)
class Chain:
    """The statement and what it is made of.

    Attributes:
        targets: the marts it gives.
        statement: one SQL query that reads its parameters from ``PARAMETERS``; columns ``mart`` and one struct for each
            target.
        models: the models it computes, inputs first.
        seeds: the rules it reads, name and schema.
        constants: name and query of what rests on the rules alone; made once a snapshot, in this order, as tables of
            ``CONSTANTS``.
    """

    targets: tuple[str, ...]
    statement: str
    models: tuple[str, ...]
    seeds: Mapping[str, str]
    constants: Mapping[str, str]


def read_manifest(path: Path) -> Mapping[str, Any]:
    """dbt's manifest.

    Raises:
        NotCompiled: there is none.
    """
    if not path.exists():
        raise NotCompiled(f"There is no manifest at {path}. Run `leadhouse build`, which writes it.")
    loaded: Mapping[str, Any] = json.loads(path.read_bytes())
    return loaded


def published_chain(connection: duckdb.DuckDBPyConnection) -> Chain:
    """The chain that was published with a snapshot.

    Raises:
        NotCompiled: the snapshot was published without one.
    """
    row = connection.execute(f"select chain from {SCHEMA}.{BUILT}").fetchone()
    if row is None or row[0] is None:
        raise NotCompiled("The snapshot was published without the scoring statement. Run `leadhouse publish`.")
    loaded = json.loads(row[0])
    return Chain(
        tuple(loaded["targets"]), loaded["statement"], tuple(loaded["models"]), loaded["seeds"], loaded["constants"]
    )


def compile_chain(manifest: Mapping[str, Any], targets: Iterable[str] = TARGETS) -> Chain:
    """The statement that computes the targets for one account.

    Raises:
        ModelNotRestricted: names the first model that needs other accounts' rows.
        NotCompiled: the manifest was only parsed, or incremental models were compiled for a table that is there.
    """
    nodes = manifest["nodes"]
    by_name = {
        node["name"]: node for node in nodes.values() if node["resource_type"] in ("model", "seed") and node["name"]
    }
    given = _given_leaves()
    models: list[str] = []
    seeds: dict[str, str] = {}
    used: set[str] = set()

    def visit(unique_id: str) -> None:
        if unique_id.startswith("source."):
            source = manifest["sources"][unique_id]
            used.add(f"{source['schema']}.{source['name']}")
            return
        node = nodes[unique_id]
        name = node["name"]
        if name in given:
            used.add(name)
        elif node["resource_type"] == "seed":
            seeds[name] = node["schema"]
        elif name not in models:
            _refuse_kind(node)
            read = _relations(_parsed(name, _text_of(node)))
            for parent in node["depends_on"]["nodes"]:
                # What a model only waits for is no input.
                about = nodes.get(parent) or manifest["sources"][parent]
                if _plain(about["relation_name"]) in read:
                    visit(parent)
            if name not in models:
                models.append(name)

    targets = tuple(targets)
    for target in targets:
        visit(by_name[target]["unique_id"])
    for name in used - set(given):
        reader = next(
            model
            for model in models
            if any(
                parent.startswith("source.") and parent.endswith("." + name)
                for parent in by_name[model]["depends_on"]["nodes"]
            )
        )
        raise ModelNotRestricted(reader, f"it reads the source {name}, which is no leaf")

    relations = {
        **{node["relation_name"]: name for name, node in by_name.items() if name in {*models, *seeds, *used}},
        **{
            source["relation_name"]: f"{source['schema']}.{source['name']}"
            for source in manifest["sources"].values()
            if f"{source['schema']}.{source['name']}" in used
        },
    }
    scoped = {name for name in given if given[name].is_scoped}
    expressions: dict[str, str] = {}
    for name in models:
        text = _text_of(by_name[name])
        parsed = _parsed(name, text)
        if _refuse_foreign_rows(name, parsed, {relations[key] for key in relations if key in text} & scoped, relations):
            scoped.add(name)
        expressions[name] = _replaced(name, text, relations)
    leaves = {name: given[name].query for name in given if name in _needed(given, used)}
    leaves |= {name: f'select * from {SCHEMA}."{name}"' for name in sorted(seeds)}
    constants: dict[str, str] = {}
    for name in [leaf for leaf in leaves if leaf in seeds or (not given[leaf].is_scoped and leaf != "int_as_of")]:
        constants[_cte(name)] = leaves.pop(name)
    for name in models:
        expressions[name] = _fold_constants(name, expressions[name], constants)
    return Chain(targets, _statement(targets, leaves, expressions), tuple(models), seeds, constants)


@dataclass(frozen=True)
class _Given:
    query: str
    is_scoped: bool
    needs: tuple[str, ...] = ()


def _cte(name: str) -> str:
    return PREFIX + name.replace(".", "__")


def _given_leaves() -> dict[str, _Given]:
    given = {
        leaf.name: _Given(
            f'select * exclude (scope_key) from {SCHEMA}."{leaf.name}" where {_SCOPE}'
            if leaf.scoped
            else f'select * from {SCHEMA}."{leaf.name}"',
            leaf.scoped,
        )
        for leaf in LEAVES
        if leaf.name not in ("events", "people")
    }
    given["int_as_of"] = _Given(f"select as_of as as_of_at from {PARAMETERS}", False)
    given["raw_events.events"] = _Given(_events_query(), True)
    given["people"] = _Given(_people_query(), True)
    given["int_contact_records"] = _Given(
        f"select distinct record_key, source, record_id from {_cte('people')}", True, ("people",)
    )
    given["int_contact_clusters"] = _Given(
        f"select distinct record_key, contact_id from {_cte('people')}", True, ("people",)
    )
    given["int_contact_accounts"] = _Given(
        f"select contact_id, account_id from {_cte('dim_contacts')} where account_id is not null",
        True,
        ("dim_contacts",),
    )
    return given


#: Of a leaf: the account's own rows; those of its visitors that lie elsewhere.
_SCOPE = f"scope_key = (select scope from {PARAMETERS})"
_ELSEWHERE = f"scope_key in (select unnest(others) from {PARAMETERS})"


def _events_query() -> str:
    types = {column.name: duckdb_type(column.type) for column in TABLE.columns}
    stored = ", ".join(
        name if name in EVENT_COLUMNS else f"cast(null as {kind}) as {name}" for name, kind in types.items()
    )
    given = _from_json("events", {name: types[name] for name in EVENT_COLUMNS})
    return (
        f"select {stored} from {SCHEMA}.events where {_SCOPE} union all select {stored} from {SCHEMA}.events "
        f"where {_ELSEWHERE} and visitor_id in (select unnest(visitors) from {PARAMETERS}) union all "
        f"select {stored} from ({given})"
    )


def _people_query() -> str:
    columns = "record_key, source, record_id, contact_id"
    given = _from_json("people", dict.fromkeys(columns.split(", "), "VARCHAR"))
    return (
        f"select {columns} from {SCHEMA}.people where {_SCOPE} union "
        f"select {columns} from {SCHEMA}.people where {_ELSEWHERE} union select {columns} from ({given})"
    )


def _from_json(column: str, types: Mapping[str, str]) -> str:
    shape = json.dumps([types])
    return f"select unnest(from_json(cast({column} as json), '{shape}'), recursive := true) from {PARAMETERS}"


def _needed(given: Mapping[str, _Given], used: set[str]) -> set[str]:
    return used | {need for name in used for need in given[name].needs}


def _refuse_kind(node: Mapping[str, Any]) -> None:
    if node.get("language") == "python":
        raise ModelNotRestricted(node["name"], "it is a Python model")
    kind = node["config"]["materialized"]
    if kind not in ("table", "view", "incremental"):
        raise ModelNotRestricted(node["name"], f"it is built by the materialization '{kind}', not by one query")


def _text_of(node: Mapping[str, Any]) -> str:
    text = node.get("compiled_code")
    if not text:
        raise NotCompiled(f"The manifest holds no compiled SQL of {node['name']}: it was only parsed. Publish anew.")
    if node["config"]["materialized"] == "incremental" and node["relation_name"] in text:
        raise NotCompiled(
            f"{node['name']} was compiled for the table that is there, not for a new one (dbt compile --full-refresh)."
        )
    return str(text)


def _parsed(name: str, text: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.ParseError as error:
        raise ModelNotRestricted(
            name, f"its SQL cannot be read ({error.errors[0].get('description', error)})"
        ) from None


def _fold_constants(name: str, text: str, constants: dict[str, str]) -> str:
    """The model's text with every expression that rests on the rules alone read from a table made once.

    Its own text is kept for making that table. Adds to ``constants``.
    """
    pieces: list[str] = []
    done = 0
    known = set(constants)
    definitions = list(_definitions(text))
    #: Name, its table (None: not constant) and where in the text the name ends to mean it.
    meanings: list[tuple[str, str | None, int]] = []
    for number, (label, start, end) in enumerate(definitions):
        until = min((last for _, first, last in definitions if first < start and end < last), default=len(text))
        visible = {}
        for other, where, ends in meanings:
            if start < ends:
                visible[other] = where
        body = text[start:end]
        parsed = _parsed(name, body)
        own = {cte.alias for cte in parsed.find_all(exp.CTE)}
        foreign = {table.name for table in parsed.find_all(exp.Table) if table.name} - own - known
        context = {other: where for other, where in visible.items() if where is not None and other in foreign}
        if start < done or foreign - set(context):
            meanings.append((label, None, until))
            continue
        table = f"{_cte(name)}__{number}_{label}"
        inner = _of_constants(body, known)
        if context:
            before = ", ".join(f"{other} as (select * from {CONSTANTS}.{where})" for other, where in context.items())
            inner = f"with {before}, constant as ({inner}) select * from constant"
        constants[table] = inner
        meanings.append((label, table, until))
        pieces += [text[done:start], f"select * from {CONSTANTS}.{table}"]
        done = end
    return _of_constants("".join([*pieces, text[done:]]), known)


def _of_constants(text: str, known: Iterable[str]) -> str:
    for table in known:
        text = re.sub(rf"(?<![\w.]){table}\b", f"{CONSTANTS}.{table}", text)
    return text


def _definitions(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end (without brackets) of the body of every ``name as (...)`` of a WITH, in the text's order."""
    tokens = sqlglot.tokenize(text, dialect="duckdb")
    for position in range(1, len(tokens) - 2):
        before, name, as_, bracket = tokens[position - 1 : position + 3]
        if (
            before.token_type not in (TokenType.WITH, TokenType.COMMA)
            or as_.token_type != TokenType.ALIAS
            or bracket.token_type != TokenType.L_PAREN
        ):
            continue
        depth = 0
        for token in tokens[position + 2 :]:
            depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
            if depth == 0:
                yield name.text, bracket.end + 1, token.start
                break


def _relations(parsed: exp.Expr) -> set[str]:
    """Full names of the tables that a statement reads."""
    return {".".join((table.catalog, table.db, table.name)) for table in parsed.find_all(exp.Table) if table.catalog}


def _plain(relation: str | None) -> str:
    return (relation or "").replace('"', "")


def _replaced(name: str, text: str, relations: Mapping[str, str]) -> str:
    for relation, own in relations.items():
        text = text.replace(relation, _cte(own))
    for table in _parsed(name, text).find_all(exp.Table):
        if table.db or table.catalog:
            raise ModelNotRestricted(name, f"it reads {table.sql('duckdb')}, which dbt does not tell of")
    return text


def _refuse_foreign_rows(name: str, parsed: exp.Expr, reads: set[str], relations: Mapping[str, str]) -> bool:
    """Whether the model holds rows of somebody; refuses windows and sums that are not inside one account."""
    scoped_tables = {_plain(relation) for relation, own in relations.items() if own in reads}
    for query, label, known in _queries(parsed, scoped_tables, {}, "final"):
        if not _is_scoped(query, scoped_tables, known) or (name, label) in ALLOWED:
            continue
        for window in query.find_all(exp.Window):
            if window.find_ancestor(exp.Select) is query and not _inside(_partition(window, query)):
                raise ModelNotRestricted(name, f"a window in '{label}' is partitioned by no key of an account")
        group = query.args.get("group")
        aggregates = [
            aggregate
            for aggregate in query.find_all(exp.AggFunc)
            if aggregate.find_ancestor(exp.Select) is query and not isinstance(aggregate.parent, exp.Window)
        ]
        if (aggregates or group) and not _inside(group.expressions if group else ()):
            raise ModelNotRestricted(name, f"'{label}' sums over no key of an account")
        if query.args.get("limit"):
            raise ModelNotRestricted(name, f"'{label}' takes the first rows of all")
    return bool(reads)


def _partition(window: exp.Window, query: exp.Select) -> list[exp.Expr]:
    """By what a window is partitioned, also one that the query names."""
    name = window.args.get("alias")
    if name is not None:
        for named in query.args.get("windows") or ():
            if named.name == name.name:
                return list(named.args.get("partition_by") or ())
    return list(window.args.get("partition_by") or ())


def _inside(keys: Iterable[exp.Expr]) -> bool:
    return any(column.name in ACCOUNT_KEYS for key in keys for column in key.find_all(exp.Column))


def _queries(
    node: exp.Expr, tables: set[str], known: dict[str, bool], label: str
) -> Iterator[tuple[exp.Select, str, dict[str, bool]]]:
    """Every select of a statement, with the name of its CTE and the CTEs before it (is one somebody's rows?)."""
    known = dict(known)
    with_ = node.args.get("with_") or node.args.get("with")
    if with_ is not None:
        for cte in with_.expressions:
            inner = cte.alias if label == "final" else label
            yield from _queries(cte.this, tables, known, inner)
            known[cte.alias] = _is_scoped(cte.this, tables, known)
    if isinstance(node, exp.Select):
        yield node, label, known
        for part in _parts(node):
            yield from _queries(part, tables, known, label)
    elif isinstance(node, exp.SetOperation):
        yield from _queries(node.this, tables, known, label)
        yield from _queries(node.expression, tables, known, label)
    elif isinstance(node, exp.Subquery):
        yield from _queries(node.this, tables, known, label)


def _parts(select: exp.Select) -> Iterator[exp.Expr]:
    """Queries in brackets inside a select, wherever they stand, but not those inside them."""
    for subquery in select.find_all(exp.Subquery):
        above = subquery.find_ancestor(exp.Select, exp.CTE)
        if above is select:
            yield subquery.this


def _is_scoped(node: exp.Expr, tables: set[str], known: Mapping[str, bool]) -> bool:
    local = dict(known)
    with_ = node.args.get("with_") or node.args.get("with")
    if with_ is not None:
        for cte in with_.expressions:
            local[cte.alias] = _is_scoped(cte.this, tables, local)
    if isinstance(node, exp.SetOperation):
        return _is_scoped(node.this, tables, local) or _is_scoped(node.expression, tables, local)
    if isinstance(node, exp.Subquery):
        return _is_scoped(node.this, tables, local)
    sources = [node.args.get("from_") or node.args.get("from"), *(node.args.get("joins") or ())]
    for source in sources:
        relation = source.this if source is not None else None
        if isinstance(relation, exp.Table):
            full = ".".join(part for part in (relation.catalog, relation.db, relation.name) if part)
            if full in tables or (not relation.db and local.get(relation.name, False)):
                return True
        elif isinstance(relation, exp.Expr) and _is_scoped(relation, tables, local):
            return True
    return False


def _statement(targets: tuple[str, ...], leaves: Mapping[str, str], models: Mapping[str, str]) -> str:
    bodies = {_cte(name): query for name, query in {**leaves, **models}.items()}
    ordered = sorted(leaves, key=lambda name: (name.startswith("int_contact_"), name))
    names = [_cte(name) for name in (*ordered, *models)]
    everything = "\n".join(bodies.values())
    parts = []
    for name in names:
        # A leaf is read once, however many models read it.
        many = name in {_cte(leaf) for leaf in leaves} or _times(name, everything) > 1
        parts.append(f"{name} as {'materialized ' if many else ''}(\n{bodies[name]}\n)")
    results = " union all ".join(
        "select "
        + ", ".join(
            [f"'{target}' as mart", *(f"{'rows' if other == target else 'null'} as {other}" for other in targets)]
        )
        + f" from {_cte(target)} as rows"
        for target in targets
    )
    return "with\n" + ",\n".join(parts) + "\n" + results


def _times(name: str, text: str) -> int:
    return len(re.findall(rf"\b{re.escape(name)}\b", text))
