"""The parts of the Salesforce connector that need no CRM: errors, values, Bulk CSV."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl.connectors import crm_names
from reverse_etl.connectors.base import ERROR_KINDS, RowWrite
from reverse_etl.connectors.salesforce_bulk import JobResults, job_csv
from reverse_etl.connectors.salesforce_errors import read_bulk_error, read_errors
from reverse_etl.connectors.salesforce_values import (
    MOST_QUERY_BYTES,
    MOST_VALUES,
    full_id,
    soql_lists,
    soql_text,
    typed,
    with_required,
)


def test_a_part_of_a_connector_is_no_connector() -> None:
    assert not [name for name in crm_names() if "_" in name]


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (
            {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid email address: x@", "fields": ["Email"]},
            "validation",
            "Email",
        ),
        (
            {"statusCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": "Unable to update", "fields": ["Fit__c"]},
            "permission",
            "grant the integration user edit access to the fields Fit__c",
        ),
        ({"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}, "missing", "entity is deleted"),
        ({"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}, "rate", "exclusive"),
        ({"statusCode": "DUPLICATE_VALUE", "message": "duplicate value found", "fields": []}, "conflict", "duplicate"),
        ({"statusCode": "NEVER_HEARD_OF", "message": "?"}, "unknown", "NEVER_HEARD_OF"),
        ({}, "unknown", "UNKNOWN_EXCEPTION"),
    ],
)  # fmt: skip
def test_kinds_of_refusal(error: dict[str, object], kind: str, told: str) -> None:
    refusal = read_errors([error])
    assert refusal.kind == kind
    assert refusal.kind in ERROR_KINDS
    assert told in refusal.text


def test_a_duplicate_names_the_record_it_was_taken_for() -> None:
    matches = [{"matchRecords": [{"matchConfidence": 100.0, "record": {"Id": "00Q5j00000A1b2cEAB"}}]}]
    error = {
        "statusCode": "DUPLICATES_DETECTED",
        "message": "Use one of these records?",
        "duplicateResult": {"allowSave": False, "matchResults": matches},
    }
    refusal = read_errors([error])
    assert refusal.kind == "conflict"
    assert refusal.matched_ids == ("00Q5j00000A1b2cEAB",)
    assert "00Q5j00000A1b2cEAB" in refusal.text


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("INVALID_EMAIL_ADDRESS:Email: invalid email address: a:b:Email --", "INVALID_EMAIL_ADDRESS", ("Email",)),
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName, Company]:LastName,Company --",
         "REQUIRED_FIELD_MISSING", ("LastName", "Company")),
        ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--", "UNABLE_TO_LOCK_ROW", ()),
        ("CANNOT_UPDATE_CONVERTED_LEAD:cannot reference converted lead:--", "CANNOT_UPDATE_CONVERTED_LEAD", ()),
        ("something else altogether", "UNKNOWN_EXCEPTION", ()),
        ("STRING_TOO_LONG", "STRING_TOO_LONG", ()),
    ],
)  # fmt: skip
def test_bulk_errors(text: str, code: str, fields: tuple[str, ...]) -> None:
    refusal = read_bulk_error(text)
    assert (refusal.code, refusal.fields) == (code, fields)


def test_ids_are_completed_as_salesforce_does() -> None:
    # The vendor's own example of a case-safe id.
    assert full_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert full_id("001A0000006Vm9rIAC") == "001A0000006Vm9rIAC"
    assert full_id("") == ""


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12.3", "double", 12.3), ("12", "double", 12), ("-3", "int", -3), ("many", "double", "many"),
        ("true", "boolean", True), ("", "boolean", False), ("", "double", None), ("", "string", None),
        ("007", "string", "007"), ("2026-05-01", "date", "2026-05-01"),
    ],
)  # fmt: skip
def test_typed_values(text: str, kind: str, value: object) -> None:
    assert typed(text, kind) == value
    assert type(typed(text, kind)) is type(value)


@given(st.lists(st.text(min_size=1, max_size=300), max_size=500))
def test_soql_lists_hold_every_value_once_and_fit(values: list[str]) -> None:
    from urllib.parse import quote

    def literals(part: str) -> int:
        """How many string literals a SOQL list holds, read as Salesforce reads it."""
        found, inside, position = 0, False, 0
        while position < len(part):
            if part[position] == "'":
                found, inside = found + inside, not inside
            position += 2 if inside and part[position] == "\\" else 1
        return found

    parts = list(soql_lists(values))
    assert all(len(quote(part, safe="")) <= MOST_QUERY_BYTES + 3000 for part in parts)
    assert sum(literals(part) for part in parts) == len(set(values))
    assert len(parts) >= len(set(values)) / MOST_VALUES


@given(st.text(max_size=40))
def test_a_soql_literal_ends_where_it_should(value: str) -> None:
    literal = soql_text(value)
    inner = literal[1:-1]
    position = 0
    while position < len(inner):
        assert inner[position] != "'"
        position += 2 if inner[position] == "\\" else 1
    assert position == len(inner)


def test_a_new_lead_gets_what_salesforce_insists_on() -> None:
    assert with_required("Lead", {"Email": "a@x.com", "LastName": ""}) == {
        "Email": "a@x.com",
        "LastName": "[not provided]",
        "Company": "[not provided]",
    }
    assert with_required("Lead", {"LastName": "Sá", "Company": "Sá Lda"}) == {"LastName": "Sá", "Company": "Sá Lda"}


_values = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20)
_rows = st.lists(
    st.dictionaries(st.sampled_from(["Email", "Score__c", "Text__c"]), _values, min_size=1), min_size=1, max_size=30
)


def _file(lines: list[tuple[dict[str, str], dict[str, str]]]) -> str:
    """A result file as Bulk 2.0 writes it: its own columns first, then the record's."""
    names = list(dict.fromkeys(name for own, sent in lines for name in [*own, *sent]))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows([{**own, **sent} for own, sent in lines])
    return out.getvalue()


@given(_rows, st.booleans(), st.randoms())
def test_every_row_of_a_job_finds_its_result(rows: list[dict[str, str]], is_update: bool, random: object) -> None:
    ids = [f"00Q{n:012d}EAA" for n in range(len(rows))]
    writes = [RowWrite(f"r{n}", ids[n] if is_update else None, row) for n, row in enumerate(rows)]
    sent = list(csv.DictReader(io.StringIO(job_csv("Lead", writes).decode())))
    assert len(sent) == len(rows)
    fates: list[list[tuple[dict[str, str], dict[str, str]]]] = [[], [], []]
    for number, line in enumerate(sent):
        own = {"sf__Id": ids[number], "sf__Created": "true"}
        fates[number % 3].append(({} if number % 3 == 2 else own, line))
    for fate in fates:
        random.shuffle(fate)  # type: ignore[attr-defined]
    failed = [({**own, "sf__Error": "INVALID_EMAIL_ADDRESS:bad:Email --"}, line) for own, line in fates[1]]
    results = JobResults("Lead", writes)
    results.add_successful(_file(fates[0]))
    results.add_failed(_file(failed))
    results.add_unprocessed(_file(fates[2]))
    assert set(results.written) | set(results.refused) == {write.ref for write in writes}
    assert not set(results.written) & set(results.refused)
    if is_update:
        assert results.written == {f"r{n}": ids[n] for n in range(0, len(rows), 3)}
    assert len(results.written) == len(fates[0])


def test_bulk_empties_a_field_by_name() -> None:
    text = job_csv(
        "Lead",
        [RowWrite("a", "00Q000000000001EAA", {"Score__c": ""}), RowWrite("b", "00Q000000000002EAA", {"X__c": "1"})],
    )
    assert text.decode().splitlines() == [
        "Id,Score__c,X__c",
        "00Q000000000001EAA,#N/A,",
        "00Q000000000002EAA,,1",
    ]
