"""Single values, mapping files, completeness: what is accepted, and the words of each refusal."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.completeness import fingerprint
from ingestion.currencies import currency
from ingestion.errors import FileRefused, MappingError, RecordRefused
from ingestion.files import read_mapping
from ingestion.values import calendar_date, decimal_number, formatted_moment, moment, money, plain, whole_number


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        ("1204.50", {}, "1204.50"),
        ("-3", {}, "-3"),
        ("€ 12", {}, "12"),
        ("R$ 1.204,50", {"decimal_mark": ",", "group_mark": "."}, "1204.50"),
        ("1,204,567", {"group_mark": ","}, "1204567"),
        ("12 EUR", {}, "12"),
        ("1e3", {}, "1E+3"),
    ],
)
def test_numbers(text, marks, expected):
    assert decimal_number(text, "f", **marks) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("1.2O7,5", {}),
        ("n/d", {}),
        ("", {}),
        ("NaN", {}),
        ("Infinity", {}),
        ("12.5", {"decimal_mark": ","}),
        ("1,2,3", {"group_mark": ","}),
    ],
)
def test_bad_numbers(text, marks):
    with pytest.raises(RecordRefused) as refused:
        decimal_number(text, "spend", **marks)
    assert (refused.value.field, refused.value.reason_code) == ("spend", "bad_number")


@settings(max_examples=200, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_plain_numbers_read_back_the_same(number):
    assert decimal_number(plain(number), "f") == number
    assert "E" not in plain(number)


def test_whole_numbers():
    assert whole_number("12.0", "clicks") == 12
    for bad in ("12.5", str(2**63)):
        with pytest.raises(RecordRefused):
            whole_number(bad, "clicks")


def test_money():
    assert money("12.345", "cost") == Decimal("12.34")
    assert money("-9999999999999999.99", "cost") == Decimal("-9999999999999999.99")
    for too_large in ("1e30", "9999999999999999.995", "1e999999"):
        with pytest.raises(RecordRefused, match="too large"):
            money(too_large, "cost")


def test_a_number_of_a_million_digits_is_refused_not_written_out():
    with pytest.raises(RecordRefused, match="too large"):
        decimal_number("1e999999", "amount")


@pytest.mark.parametrize("text", ["²", "1²", "9" * 5_000])
def test_digits_that_are_no_number_refuse_one_record_not_the_load(text):
    with pytest.raises(RecordRefused, match="not a moment"):
        moment(text, "timestamp")


def test_moments():
    expected = datetime(2026, 3, 31, 6, 30)
    for value in ("2026-03-31T08:30:00+02:00", "2026-03-31T06:30:00Z", 1774938600, 1774938600000, "1774938600000"):
        assert moment(value, "f") == expected, value
    for bad in ("31/03/2026", True, [], 10**30, "2026-13-01"):
        with pytest.raises(RecordRefused) as refused:
            moment(bad, "timestamp")
        assert refused.value.reason_code == "invalid_timestamp"


def test_dates_by_format():
    assert formatted_moment("10/20/2016", ["iso", "%m/%d/%Y"], "d") == datetime(2016, 10, 20)
    assert calendar_date("2026-02-28", "d") == date(2026, 2, 28)
    with pytest.raises(RecordRefused, match="fits none of the date formats %m/%d/%Y"):
        formatted_moment("20/10/2016", ["%m/%d/%Y"], "d")


def test_currencies():
    assert currency(" eur", "c") == "EUR"
    with pytest.raises(RecordRefused, match="XBT"):
        currency("XBT", "c")


LINES = b'{"a": 1}\n{"a": 2}'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl.gz", gzip.compress(LINES)[:-4], "half-written or damaged gzip"),
        ("a.jsonl.gz", gzip.compress(LINES)[:14], "half-written or damaged gzip"),
        ("a.jsonl.gz", gzip.compress(LINES)[:-8] + bytes(8), "half-written or damaged gzip"),
        ("a.jsonl", LINES[:-2], "cut in the middle"),
        ("a.ndjson.gz", gzip.compress(LINES[:-2]), "cut in the middle"),
        ("a.json", b'{"a": [1,', "cut in the middle"),
        ("a.csv", b"a,b,c\n1,2,3\n4,5", "last row is cut"),
        ("a.csv", b"", "empty"),
        ("a.parquet", b"PAR1 and no footer", "not a whole Parquet"),
    ],
)
def test_half_written_files(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=words) as refused:
        fingerprint(path, name)
    assert refused.value.file == name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", LINES),
        ("a.jsonl", LINES + b"\n"),
        ("a.jsonl", b"not json\n"),
        ("a.jsonl.gz", gzip.compress(LINES[:8]) + gzip.compress(LINES[8:])),
        ("a.csv", b"a,b,c\n1,2,3\n4,5,6"),
        ("a.csv", b'a;b\n1;"x\ny"\n'),
    ],
)
def test_whole_files(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert len(fingerprint(path, name)) == 64


def test_whole_parquet(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert fingerprint(tmp_path / "a.parquet", "a.parquet")
    cut = (tmp_path / "a.parquet").read_bytes()[:-10]
    (tmp_path / "b.parquet").write_bytes(cut)
    with pytest.raises(FileRefused):
        fingerprint(tmp_path / "b.parquet", "b.parquet")


GOOD = """
name: crm
entities:
  accounts:
    path: accounts.csv
    key: id
    columns: {name: company, annual_revenue: {column: rev, type: number, scale: 1000}}
    required: [name]
"""


def written(tmp_path, text):
    path = tmp_path / "mapping.yml"
    path.write_text(text)
    return path


def test_mapping(tmp_path, monkeypatch):
    mapping = read_mapping(written(tmp_path, GOOD))
    assert (mapping.name, mapping.root) == ("crm", tmp_path)
    assert mapping.entities[0].source_columns == ("id", "company", "rev")
    with_root = written(tmp_path, "root: ${EXPORT_DIR:-here}/crm" + GOOD)
    assert read_mapping(with_root).root == tmp_path / "here/crm"
    monkeypatch.setenv("EXPORT_DIR", "/exports")
    assert str(read_mapping(with_root).root) == "/exports/crm"
    assert read_mapping(with_root, tmp_path).root == tmp_path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: crm", "name: My CRM", "name: 'My CRM' must be lower case"),
        ("name: crm", "name: hubspot", "built-in source"),
        ("name: crm", "nmae: crm", "'nmae' is unknown; did you mean name"),
        ("  accounts:", "  acounts:", "'acounts' is unknown; did you mean accounts"),
        ("columns: {name:", "columns: {nam:", "columns: 'nam' is unknown; did you mean name"),
        ("    key: id\n", "", "key: is missing"),
        ("required: [name]", "required: [domain]", "'domain' is not mapped"),
        ("type: number", "type: money", "type: 'money' must be one of"),
        ("scale: 1000", "scale: many", "'many' is not a number"),
        ("{column: rev, type: number, scale: 1000}", "{type: number}", "give either column"),
        ("{column: rev, type: number, scale: 1000}", "{column: rev, refers_to: name}", "refers_to: must be"),
        ("path: accounts.csv", "path: accounts.csv\n    encoding: utf-88", "encoding: 'utf-88' is unknown"),
        ("path: accounts.csv", "path: accounts.csv\n    delimiter: '::'", "must be one character"),
        ("entities:", "entities: [", "is not YAML"),
    ],
)
def test_mapping_mistakes_are_named(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(MappingError) as mistake:
        read_mapping(written(tmp_path, GOOD.replace(old, new)))
    assert words in str(mistake.value)
    assert "mapping.yml" in str(mistake.value)


def test_mapping_root_variable_must_be_set(tmp_path, monkeypatch):
    monkeypatch.delenv("EXPORT_DIR", raising=False)
    with pytest.raises(MappingError, match="EXPORT_DIR is not set"):
        read_mapping(written(tmp_path, "root: ${EXPORT_DIR}" + GOOD))
    with pytest.raises(MappingError, match="cannot be read"):
        read_mapping(tmp_path / "absent.yml")
