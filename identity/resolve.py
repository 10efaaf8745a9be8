"""Who is one person: links, pairs and people's decisions become clusters that contradict nothing that is known.

Closure alone chains: two people who share a family mailbox, or two dense groups joined by one doubtful pair, would
become one contact. Here evidence is taken in order of strength, and each step is checked against the clusters it would
join:

1. decisions that force a link;
2. shared identifiers, by rank: the members of one identifier join where their names agree;
3. matched pairs, heaviest first, from the accepted weight up.

A step is refused when a decision forbids it, when first names contradict each other, when both sides own verified
addresses of one domain under different first names, or when it would chain two dense groups on thin evidence. Whatever
is refused gets a verdict and a reason; nothing is dropped. Every step looks only at its own neighbourhood (the records
that evidence connects at all), so resolving one neighbourhood again gives what resolving all of them gives, in any
order of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, TypeVar

import pyarrow as pa
from rapidfuzz.distance import JaroWinkler

if TYPE_CHECKING:
    import duckdb

Verdict = Literal[
    "linked", "review", "ambiguous", "forbidden", "name_conflict", "email_conflict", "cluster_guard", "cluster_size"
]
EvidenceKind = Literal["decision", "identifier", "pair"]
_Row = TypeVar("_Row")

_TEXT: pa.DataType = pa.string()
_OUTCOME_TYPES = {
    "record_key": _TEXT,
    "linked_record_key": _TEXT,
    "kind": _TEXT,
    "identifier_type": _TEXT,
    "identifier_value": _TEXT,
    "match_weight": pa.float64(),
    "verdict": _TEXT,
    "reason": _TEXT,
}


@dataclass(frozen=True)
class ResolveSettings:
    """Numbers of ``seeds/identity_settings.csv``."""

    accept_match_weight: float
    """Pairs of this weight (log2 of the odds) and more link; lighter ones wait for a person."""
    name_conflict_similarity: float
    """First names less alike than this (Jaro-Winkler, 0-1) are two people's."""
    same_domain_name_similarity: float
    """The same between owners of two verified addresses of one domain, where colleagues have similar names."""
    guard_min_identities: int
    """From this many different names with addresses a cluster is dense: a pair joins two such only with enough
    support."""
    guard_min_support: float
    """Share (0-1) of the pairs of names with addresses between two dense clusters that evidence must support."""
    max_pair_cluster_records: int
    """Pairs let no cluster grow beyond this many records; identifiers and decisions may."""


@dataclass(frozen=True)
class Node:
    """A source record as the resolver sees it. Names in comparable form (lower case, no accents).

    ``first_name_forms``: the full names that the first name may stand for, joined by ``|``; none means the name itself.
    """

    record_key: str
    neighbourhood: str
    first_name: str | None = None
    first_name_forms: str | None = None
    last_name: str | None = None
    verified_email: str | None = None
    verified_domain: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True)
class Membership:
    """A record bears an identifier. Lower ``rank`` is stronger."""

    record_key: str
    identifier_type: str
    identifier_value: str
    rank: int
    names_must_agree: bool


@dataclass(frozen=True)
class Pair:
    """Two records the matcher found alike."""

    record_key_l: str
    record_key_r: str
    match_weight: float


@dataclass(frozen=True)
class Decision:
    """What a person decided about two records."""

    record_key_l: str
    record_key_r: str
    decision: Literal["force", "forbid"]
    decision_id: str


@dataclass(frozen=True)
class Outcome:
    """What became of one piece of evidence. ``linked`` outcomes are the edges whose closure is the contacts."""

    record_key: str
    linked_record_key: str
    kind: EvidenceKind
    identifier_type: str | None
    identifier_value: str | None
    match_weight: float | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class _Name:
    first: str
    forms: frozenset[str]
    last: str


@dataclass
class _Cluster:
    records: list[str]
    names: set[_Name] = field(default_factory=set)
    addresses: set[tuple[str, str, _Name]] = field(default_factory=set)
    identities: set[tuple[str, ...]] = field(default_factory=set)
    """Distinct names with addresses: three records of one name and address are no denser than one."""


def resolve_records(
    nodes: Iterable[Node],
    memberships: Iterable[Membership],
    pairs: Iterable[Pair],
    decisions: Iterable[Decision],
    settings: ResolveSettings,
) -> Iterator[Outcome]:
    """Outcomes of all evidence between ``nodes``; evidence about other records is left out.

    The order of the arguments' rows does not matter.
    """
    by_key = {node.record_key: node for node in nodes}
    home = {key: node.neighbourhood for key, node in by_key.items()}

    def split(
        items: Iterable[_Row], key: attrgetter[str], other: attrgetter[str] | None = None
    ) -> dict[str, list[_Row]]:
        parts: dict[str, list[_Row]] = {}
        for item in items:
            place = home.get(key(item))
            if place is not None and (other is None or home.get(other(item)) == place):
                parts.setdefault(place, []).append(item)
        return parts

    left, right = attrgetter("record_key_l"), attrgetter("record_key_r")
    members_of = split(memberships, attrgetter("record_key"))
    pairs_of = split(pairs, left, right)
    decisions_of = split(decisions, left, right)
    nodes_of: dict[str, list[Node]] = {}
    for node in by_key.values():
        nodes_of.setdefault(node.neighbourhood, []).append(node)
    for place in sorted(nodes_of):
        yield from _Neighbourhood(nodes_of[place], settings).resolve(
            members_of.get(place, []), pairs_of.get(place, []), decisions_of.get(place, [])
        )


class _Neighbourhood:
    def __init__(self, nodes: list[Node], settings: ResolveSettings) -> None:
        self.settings = settings
        self.nodes = {node.record_key: node for node in nodes}
        self.root = {key: key for key in self.nodes}
        self.clusters: dict[str, _Cluster] = {}
        self.identities: dict[str, tuple[str, ...]] = {}
        for key, node in self.nodes.items():
            name = _name(node)
            self.identities[key] = _identity(node, name)
            cluster = _Cluster([key], identities={self.identities[key]})
            if name is not None:
                cluster.names.add(name)
                if node.verified_email and node.verified_domain:
                    cluster.addresses.add((node.verified_email, node.verified_domain, name))
            self.clusters[key] = cluster
        self.forbidden: dict[str, set[str]] = {}
        self.supported: dict[str, set[str]] = {}

    def resolve(self, memberships: list[Membership], pairs: list[Pair], decisions: list[Decision]) -> Iterator[Outcome]:
        for decision in decisions:
            if decision.decision == "forbid":
                _join(self.forbidden, decision.record_key_l, decision.record_key_r)
        for pair in pairs:
            _join(self.supported, pair.record_key_l, pair.record_key_r)
        forced = [d for d in decisions if d.decision == "force"]
        for decision in sorted(forced, key=lambda d: (d.record_key_l, d.record_key_r, d.decision_id)):
            yield self._take_decision(decision)
        order = attrgetter("rank", "identifier_type", "identifier_value")
        for _, group in groupby(sorted(memberships, key=order), key=order):
            yield from self._take_identifier(list(group))
        waiting = []
        for pair in sorted(pairs, key=lambda p: (-p.match_weight, p.record_key_l, p.record_key_r)):
            if pair.match_weight >= self.settings.accept_match_weight:
                yield self._take_pair(pair)
            else:
                waiting.append(pair)
        for pair in waiting:
            if self._find(pair.record_key_l) == self._find(pair.record_key_r):
                yield _pair_outcome(pair, "linked", "The records are one contact already; the pair agrees.")
            else:
                refusal = self._refusal(pair.record_key_l, pair.record_key_r, pair=True)
                limit = self.settings.accept_match_weight
                yield _pair_outcome(
                    pair,
                    *(refusal or ("review", f"Weight {pair.match_weight:.1f} is below {limit:g}: a person decides.")),
                )

    def _take_decision(self, decision: Decision) -> Outcome:
        left, right = decision.record_key_l, decision.record_key_r
        verdict: Verdict = "linked"
        reason = f"Decision {decision.decision_id} says one person."
        if self._find(left) != self._find(right):
            if self._is_forbidden(self._find(left), self._find(right)):
                verdict = "forbidden"
                reason = f"Decision {decision.decision_id} contradicts another that keeps records of the two apart."
            else:
                self._union(left, right)
        return Outcome(left, right, "decision", None, decision.decision_id, None, verdict, reason)

    def _take_identifier(self, members: list[Membership]) -> Iterator[Outcome]:
        # Records with a name first: who has none is nobody's in particular, and must not decide who else belongs.
        ordered = sorted((self.nodes[m.record_key] for m in members), key=_seniority)
        names_must_agree = members[0].names_must_agree
        joined: list[Node] = []
        for node in ordered:
            if joined and self._find(node.record_key) not in {self._find(other.record_key) for other in joined}:
                yield self._take_member(node, joined, members[0], names_must_agree)
            elif joined:
                other = next(o for o in joined if self._find(o.record_key) == self._find(node.record_key))
                yield _identifier_outcome(node, other, members[0], "linked", "Both bear it.")
            joined.append(node)

    def _take_member(self, node: Node, joined: list[Node], identifier: Membership, names_must_agree: bool) -> Outcome:
        first_of: dict[str, Node] = {}
        for other in joined:
            first_of.setdefault(self._find(other.record_key), other)
        open_to: list[Node] = []
        refusals: list[tuple[Node, tuple[Verdict, str]]] = []
        for other in first_of.values():
            refusal = self._refusal(node.record_key, other.record_key, pair=False, names=names_must_agree)
            if refusal is None:
                open_to.append(other)
            else:
                refusals.append((other, refusal))
        if not open_to:
            other, refusal = refusals[0]
            return _identifier_outcome(node, other, identifier, *refusal)
        agreeing = [other for other in open_to if self._names_agree(node.record_key, other.record_key)]
        if names_must_agree and len(first_of) > 1 and not agreeing:
            people = len(first_of)
            return _identifier_outcome(
                node, open_to[0], identifier, "ambiguous", f"{people} different people bear it: whose record is it?"
            )
        chosen = (agreeing or open_to)[0]
        self._union(node.record_key, chosen.record_key)
        return _identifier_outcome(node, chosen, identifier, "linked", "Both bear it.")

    def _take_pair(self, pair: Pair) -> Outcome:
        left, right = pair.record_key_l, pair.record_key_r
        if self._find(left) == self._find(right):
            return _pair_outcome(pair, "linked", "The records are one contact already; the pair agrees.")
        refusal = self._refusal(left, right, pair=True) or self._guard(left, right)
        if refusal is not None:
            return _pair_outcome(pair, *refusal)
        self._union(left, right)
        return _pair_outcome(pair, "linked", f"Weight {pair.match_weight:.1f} is enough.")

    def _refusal(self, left: str, right: str, *, pair: bool, names: bool = True) -> tuple[Verdict, str] | None:
        """Why the clusters of two records must stay apart, whatever the evidence between them."""
        a, b = self._find(left), self._find(right)
        if self._is_forbidden(a, b):
            return "forbidden", "A decision keeps records of the two apart."
        one, two = self.clusters[a], self.clusters[b]
        if pair:
            conflict = self._address_conflict(one, two)
            if conflict is not None:
                return "email_conflict", conflict
        if names:
            limit = self.settings.name_conflict_similarity
            for x in sorted(one.names, key=_name_order):
                for y in sorted(two.names, key=_name_order):
                    if _first_names_differ(x, y, limit):
                        return "name_conflict", f"First names {x.first} and {y.first} are two people's."
        return None

    def _address_conflict(self, one: _Cluster, two: _Cluster) -> str | None:
        limit = self.settings.same_domain_name_similarity
        for email, domain, name in sorted(one.addresses, key=_address_order):
            for other_email, other_domain, other_name in sorted(two.addresses, key=_address_order):
                if domain == other_domain and email != other_email and _first_names_differ(name, other_name, limit):
                    return (
                        f"{name.first} and {other_name.first} own two verified addresses at {domain}: colleagues, "
                        "not one person."
                    )
        return None

    def _guard(self, left: str, right: str) -> tuple[Verdict, str] | None:
        """Refuses a pair that would chain two dense clusters, or let one grow too large."""
        one, two = self.clusters[self._find(left)], self.clusters[self._find(right)]
        size, settings = len(one.records) + len(two.records), self.settings
        if size > settings.max_pair_cluster_records:
            return "cluster_size", f"The contact would have {size} records, more than pairs alone may join."
        if min(len(one.identities), len(two.identities)) >= settings.guard_min_identities:
            others = set(two.records)
            found = {
                (self.identities[record], self.identities[other])
                for record in one.records
                for other in self.supported.get(record, set()) & others
            }
            possible = len(one.identities) * len(two.identities)
            if len(found) < settings.guard_min_support * possible:
                return (
                    "cluster_guard",
                    f"Only {len(found)} of {possible} pairs of names and addresses between the groups are alike: "
                    "it may chain two people.",
                )
        return None

    def _names_agree(self, left: str, right: str) -> bool:
        one, two = self.clusters[self._find(left)].names, self.clusters[self._find(right)].names
        limit = self.settings.name_conflict_similarity
        return any(not _first_names_differ(x, y, limit) for x in one for y in two)

    def _is_forbidden(self, a: str, b: str) -> bool:
        if not self.forbidden:
            return False
        others = set(self.clusters[b].records)
        return any(self.forbidden.get(record, set()) & others for record in self.clusters[a].records)

    def _find(self, key: str) -> str:
        while self.root[key] != key:
            self.root[key] = self.root[self.root[key]]
            key = self.root[key]
        return key

    def _union(self, left: str, right: str) -> None:
        a, b = self._find(left), self._find(right)
        if len(self.clusters[a].records) < len(self.clusters[b].records):
            a, b = b, a
        gone = self.clusters.pop(b)
        kept = self.clusters[a]
        kept.records.extend(gone.records)
        kept.names |= gone.names
        kept.addresses |= gone.addresses
        kept.identities |= gone.identities
        self.root[b] = a


@lru_cache(maxsize=200_000)
def _first_names_differ(a: _Name, b: _Name, similarity: float) -> bool:
    """Whether two first names are two people's: not a spelling, short form, initial, part or exchange of each other."""
    if a.forms & b.forms:
        return False
    if (a.first == b.last and a.last in ("", b.first)) or (b.first == a.last and b.last in ("", a.first)):
        return False
    ours, theirs = a.first.split(), b.first.split()
    if set(ours) <= set(theirs) or set(theirs) <= set(ours):
        return False
    short, long = sorted((ours[0], theirs[0]), key=len)
    if len(short) == 1:
        return not long.startswith(short)
    return JaroWinkler.similarity(a.first, b.first) < similarity


def _name(node: Node) -> _Name | None:
    if not node.first_name:
        return None
    return _Name(node.first_name, _forms(node.first_name, node.first_name_forms), node.last_name or "")


def _identity(node: Node, name: _Name | None) -> tuple[str, ...]:
    if name is None and node.verified_email is None:
        return (node.record_key,)
    return (name.first if name else "", name.last if name else "", node.verified_email or "")


def _forms(first: str, forms: str | None) -> frozenset[str]:
    return frozenset((first, *(forms or "").split("|"))) - {""}


def _name_order(name: _Name) -> tuple[str, str, str]:
    return name.first, "|".join(sorted(name.forms)), name.last


def _address_order(address: tuple[str, str, _Name]) -> tuple[str, str, str]:
    return address[0], address[1], address[2].first


def _seniority(node: Node) -> tuple[bool, bool, datetime, str]:
    created = node.created_at
    return node.first_name is None, created is None, created or datetime.min, node.record_key


def _join(adjacency: dict[str, set[str]], left: str, right: str) -> None:
    adjacency.setdefault(left, set()).add(right)
    adjacency.setdefault(right, set()).add(left)


def _pair_outcome(pair: Pair, verdict: Verdict, reason: str) -> Outcome:
    return Outcome(pair.record_key_l, pair.record_key_r, "pair", None, None, pair.match_weight, verdict, reason)


def _identifier_outcome(node: Node, other: Node, identifier: Membership, verdict: Verdict, reason: str) -> Outcome:
    return Outcome(
        node.record_key,
        other.record_key,
        "identifier",
        identifier.identifier_type,
        identifier.identifier_value,
        None,
        verdict,
        reason,
    )


def resolve(
    connection: duckdb.DuckDBPyConnection,
    *,
    nodes: str,
    memberships: str,
    pairs: str,
    decisions: str,
    output: str,
    settings: ResolveSettings,
) -> int:
    """Resolves tables of one connection and writes ``output``, one row per :class:`Outcome`; returns their number.

    The arguments name tables or views with the columns of :class:`Node`, :class:`Membership`, :class:`Pair` and
    :class:`Decision` (further columns are ignored). Pass only contested neighbourhoods: where all evidence is
    undisputed identifiers, plain closure says the same at a fraction of the cost.
    """
    outcomes = list(
        resolve_records(
            _read(connection, nodes, Node),
            _read(connection, memberships, Membership),
            _read(connection, pairs, Pair),
            _read(connection, decisions, Decision),
            settings,
        )
    )
    rows = pa.table(
        {name: [getattr(outcome, name) for outcome in outcomes] for name in _OUTCOME_TYPES},
        schema=pa.schema(_OUTCOME_TYPES),
    )
    connection.register("_resolved_outcomes", rows)
    kind = "temp table" if output.startswith("temp.") else "table"
    connection.execute(f"create or replace {kind} {output} as select * from _resolved_outcomes")
    connection.unregister("_resolved_outcomes")
    return len(outcomes)


def _read(connection: duckdb.DuckDBPyConnection, relation: str, kind: Callable[..., _Row]) -> Iterator[_Row]:
    columns = [
        "cast(match_weight as double)" if column.name == "match_weight" else column.name
        for column in fields(kind)  # type: ignore[arg-type]
    ]
    cursor = connection.execute(f"select {', '.join(columns)} from {relation}")
    while rows := cursor.fetchmany(50_000):
        for row in rows:
            yield kind(*row)
