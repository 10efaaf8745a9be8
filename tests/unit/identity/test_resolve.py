"""What the resolver joins, refuses and leaves to people."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.resolve import (
    Decision,
    Membership,
    Node,
    Outcome,
    Pair,
    ResolveSettings,
    resolve,
    resolve_records,
)

RULES = ResolveSettings(
    accept_match_weight=8,
    name_conflict_similarity=0.75,
    same_domain_name_similarity=0.94,
    guard_min_identities=3,
    guard_min_support=0.5,
    max_pair_cluster_records=10,
)
DAY = datetime(2026, 1, 1)


def node(key: str, first: str | None = None, last: str | None = None, email: str | None = None, age: int = 0) -> Node:
    domain = email.split("@")[1] if email else None
    return Node(key, "n", first, first, last, email, domain, DAY + timedelta(days=age))


def mailbox(
    *keys: str, value: str = "x@y.com", kind: str = "email", agree: bool = True, rank: int = 3
) -> list[Membership]:
    return [Membership(key, kind, value, rank, agree) for key in keys]


def clusters(nodes: list[Node], outcomes: list[Outcome]) -> list[list[str]]:
    root = {n.record_key: n.record_key for n in nodes}

    def find(key: str) -> str:
        while root[key] != key:
            key = root[key]
        return key

    for outcome in outcomes:
        if outcome.verdict == "linked":
            root[find(outcome.record_key)] = find(outcome.linked_record_key)
    groups = defaultdict(list)
    for key in root:
        groups[find(key)].append(key)
    return sorted(sorted(group) for group in groups.values())


def run(
    nodes: list[Node],
    memberships: list[Membership] | None = None,
    pairs: list[Pair] | None = None,
    decisions: list[Decision] | None = None,
) -> tuple[list[list[str]], list[Outcome]]:
    outcomes = list(resolve_records(nodes, memberships or [], pairs or [], decisions or [], RULES))
    return clusters(nodes, outcomes), outcomes


def test_records_with_one_mailbox_are_one_person() -> None:
    found, outcomes = run([node("a", "ana"), node("b", "ana"), node("c")], mailbox("a", "b", "c"))
    assert found == [["a", "b", "c"]]
    assert {o.verdict for o in outcomes} == {"linked"}


def test_a_family_mailbox_stays_two_people_with_all_their_records() -> None:
    nodes = [node("a1", "ana", "silva"), node("b1", "bruno", "silva", age=1), node("b2", "bruno", "silva", age=2)]
    found, outcomes = run(nodes, mailbox("a1", "b1", "b2"))
    assert found == [["a1"], ["b1", "b2"]]
    assert [o.verdict for o in outcomes] == ["name_conflict", "linked"]
    assert outcomes[0].reason == "First names bruno and ana are two people's."


def test_a_record_without_a_name_at_a_family_mailbox_is_nobodys_in_particular() -> None:
    nodes = [node("n", age=0), node("a", "ana", age=1), node("b", "bruno", age=2)]
    found, outcomes = run(nodes, mailbox("n", "a", "b"))
    assert found == [["a"], ["b"], ["n"]]
    assert [o.verdict for o in outcomes] == ["name_conflict", "ambiguous"]


def test_a_login_is_trusted_whatever_the_names() -> None:
    found, _ = run([node("a", "ana"), node("b", "bruno")], mailbox("a", "b", kind="user_id", agree=False))
    assert found == [["a", "b"]]


def test_names_that_agree_across_the_whole_cluster_are_asked_for() -> None:
    # c joins a by one mailbox; b shares another mailbox with c, who has no name, but contradicts a.
    nodes = [node("a", "ana"), node("b", "bruno", age=1), node("c", age=2)]
    found, outcomes = run(nodes, mailbox("a", "c", value="1@x.com") + mailbox("b", "c", value="2@x.com"))
    assert found == [["a", "c"], ["b"]]
    assert [o.verdict for o in outcomes] == ["linked", "name_conflict"]


@pytest.mark.parametrize(
    ("a", "b", "differ"),
    [
        (("ana", "ana", "silva"), ("bruno", "bruno", "silva"), True),
        (("bob", "robert", "hill"), ("robert", "robert", "hill"), False),
        (("manu", "emanuel|manuel", "roux"), ("manuel", "manuel", "roux"), False),
        (("beto", "alberto|roberto", "sosa"), ("humberto", "humberto", "sosa"), True),
        (("j", "j", "silva"), ("joao", "joao", "silva"), False),
        (("j", "j", "silva"), ("pedro", "pedro", "silva"), True),
        (("maria clara", "maria clara", ""), ("maria", "maria", ""), False),
        (("isla", "isla", "hall"), ("hall", "hall", "isla"), False),
        (("roberto", "roberto", ""), ("robetro", "robetro", ""), False),
        (("jean", "jean", "roux"), ("jeanne", "jeanne", "roux"), False),
    ],
)
def test_first_names(a: tuple[str, str, str], b: tuple[str, str, str], differ: bool) -> None:
    for one, other in ((a, b), (b, a)):
        people = [
            Node(key, "n", first, forms, last, created_at=DAY)
            for key, (first, forms, last) in (("a", one), ("b", other))
        ]
        _, outcomes = run(people, mailbox("a", "b"))
        assert [o.verdict == "name_conflict" for o in outcomes] == [differ]


def test_colleagues_with_verified_addresses_of_one_domain_are_two_people() -> None:
    nodes = [node("a", "jean", "roux", "jean.roux@acme.fr"), node("b", "jeanne", "roux", "jeanne.roux@acme.fr")]
    found, outcomes = run(nodes, pairs=[Pair("a", "b", 20.0)])
    assert found == [["a"], ["b"]]
    assert outcomes[0].verdict == "email_conflict"
    same, _ = run(
        [node("a", "jean", "roux", "jean.roux@acme.fr"), node("b", "jean", "roux", "j.roux@acme.fr")],
        pairs=[Pair("a", "b", 20.0)],
    )
    assert same == [["a", "b"]]


def test_light_pairs_wait_for_a_person() -> None:
    found, outcomes = run([node("a"), node("b")], pairs=[Pair("a", "b", 5.0)])
    assert found == [["a"], ["b"]]
    assert [(o.verdict, o.reason) for o in outcomes] == [("review", "Weight 5.0 is below 8: a person decides.")]


def test_forbid_unmerges_and_each_other_record_goes_where_its_strongest_link_is() -> None:
    nodes = [node(key, "ana", age=i) for i, key in enumerate("abcd")]
    links = mailbox("a", "b", "c") + mailbox("b", "d", value="login", kind="user_id", agree=False, rank=1)
    found, outcomes = run(nodes, links, decisions=[Decision("a", "b", "forbid", "d1")])
    assert found == [["a", "c"], ["b", "d"]]
    assert "forbidden" in {o.verdict for o in outcomes}


def test_force_joins_what_names_contradict_but_not_what_is_forbidden() -> None:
    nodes = [node("a", "ana"), node("b", "bruno"), node("c", "carla")]
    decisions = [
        Decision("a", "b", "force", "d1"),
        Decision("b", "c", "force", "d2"),
        Decision("a", "c", "forbid", "d3"),
    ]
    found, outcomes = run(nodes, decisions=decisions)
    assert found == [["a", "b"], ["c"]]
    assert [o.verdict for o in outcomes] == ["linked", "forbidden"]


def test_one_pair_does_not_chain_two_dense_groups() -> None:
    nodes = [node(f"{side}{i}") for side in "ab" for i in range(3)]
    links = mailbox("a0", "a1", "a2") + mailbox("b0", "b1", "b2", value="z@y.com")
    found, outcomes = run(nodes, links, [Pair("a0", "b0", 12.0)])
    assert found == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]
    assert outcomes[-1].verdict == "cluster_guard"
    assert "1 of 9" in outcomes[-1].reason
    supported = [Pair(f"a{i}", f"b{j}", 12.0) for i in range(3) for j in range(3)]
    found, _ = run(nodes, links, supported)
    assert len(found) == 1


def test_records_of_one_name_and_address_are_no_dense_group() -> None:
    nodes = [node(f"a{i}", "ana", "silva", "ana@acme.com") for i in range(3)]
    nodes += [node(f"b{i}", "ana", "silva", "ana.silva@mail.com") for i in range(3)]
    links = mailbox("a0", "a1", "a2") + mailbox("b0", "b1", "b2", value="z@y.com")
    found, _ = run(nodes, links, [Pair("a0", "b0", 12.0)])
    assert len(found) == 1


def test_pairs_grow_no_cluster_beyond_the_limit() -> None:
    nodes = [node(f"k{i:02}") for i in range(30)]
    found, outcomes = run(nodes, pairs=[Pair(f"k{i:02}", f"k{i + 1:02}", 9.0) for i in range(29)])
    assert max(len(group) for group in found) <= RULES.max_pair_cluster_records
    assert {o.verdict for o in outcomes} - {"linked"} <= {"cluster_size", "cluster_guard"}


_keys = st.sampled_from([f"r{i}" for i in range(9)])
_names = st.sampled_from([None, "ana", "anna", "bruno", "b", "carla"])


@settings(max_examples=300, deadline=None)
@given(
    names=st.lists(_names, min_size=9, max_size=9),
    groups=st.lists(
        st.tuples(st.sampled_from("uvw"), st.lists(_keys, min_size=2, max_size=4, unique=True)), max_size=4
    ),
    pairs=st.dictionaries(st.tuples(_keys, _keys).filter(lambda p: p[0] < p[1]), st.floats(2, 20), max_size=10),
    forbids=st.sets(st.tuples(_keys, _keys).filter(lambda p: p[0] < p[1]), max_size=3),
    seed=st.integers(0, 1000),
)
def test_any_order_gives_the_same_and_no_forbidden_pair_meets(names, groups, pairs, forbids, seed) -> None:  # type: ignore[no-untyped-def]
    nodes = [node(f"r{i}", name, age=i % 3) for i, name in enumerate(names)]
    values = {}
    for value, keys in groups:
        values.setdefault(value, set()).update(keys)
    members = [m for value, keys in sorted(values.items()) for m in mailbox(*sorted(keys), value=value)]
    heavy = [Pair(a, b, weight) for (a, b), weight in pairs.items()]
    no = [Decision(a, b, "forbid", f"{a}{b}") for a, b in forbids]
    found, outcomes = run(nodes, members, heavy, no)
    shuffled = random.Random(seed)
    for rows in (nodes, members, heavy, no):
        shuffled.shuffle(rows)
    again, outcomes_again = run(nodes, members, heavy, no)
    assert (found, outcomes) == (again, outcomes_again)
    for a, b in forbids:
        assert not any(a in group and b in group for group in found)
    told = {frozenset((o.record_key, o.linked_record_key)) for o in outcomes if o.kind == "pair"}
    assert told == {frozenset(pair) for pair in pairs}


def test_tables_in_tables_out() -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table nodes as select * from (values"
        " ('a', 'n', 'ana', 'ana', 'silva', null, null, timestamp '2026-01-01', 1),"
        " ('b', 'n', null, null, null, null, null, timestamp '2026-01-02', 2),"
        " ('z', 'other', null, null, null, null, null, null, 3))"
        " t(record_key, neighbourhood, first_name, first_name_forms, last_name, verified_email, verified_domain,"
        " created_at, more)"
    )
    connection.execute(
        "create table members as select * from (values ('a', 'email', 'x@y.com', 3, true), ('b', 'email', 'x@y.com', 3,"
        " true)) t(record_key, identifier_type, identifier_value, rank, names_must_agree)"
    )
    connection.execute(
        "create table pairs as select 'a' as record_key_l, 'z' as record_key_r, 9.5::decimal(9, 4) as match_weight"
    )
    connection.execute("create table decisions (record_key_l text, record_key_r text, decision text, decision_id text)")
    count = resolve(
        connection,
        nodes="nodes",
        memberships="members",
        pairs="pairs",
        decisions="decisions",
        output="out",
        settings=RULES,
    )
    assert count == 1
    assert connection.execute("select record_key, linked_record_key, kind, verdict from out").fetchall() == [
        ("b", "a", "identifier", "linked")
    ]
