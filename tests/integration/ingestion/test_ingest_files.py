"""Files: loaded once, whole or not at all, replaced when they change, with every refused row accounted for."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.ads import load_ads
from ingestion.enrichment import load_enrichment
from ingestion.errors import IngestionError, MappingError
from ingestion.events import load_events
from ingestion.files import load_mapping
from ingestion.schemas import RAW_TABLES
from ingestion.tables import duckdb_type, ensure_raw_tables
from ingestion.warehouse import opened


def message(number, **changes):
    return {
        "type": "track",
        "event": "Form Submitted",
        "userId": f"u{number}",
        "messageId": f"m{number}",
        "timestamp": f"2026-03-31T08:{number % 60:02d}:00Z",
        **changes,
    }


def lines(*messages):
    return "".join(json.dumps(one) + "\n" for one in messages).encode()


def ingest(house, inbox):
    [result] = load_events(house.path, inbox, pipelines_dir=house.pipelines_dir)
    return result


def loaded(house):
    return house.rows("select _source_file, _source_row, message_id from raw_events.events order by all")


def quarantined(house):
    return house.rows(
        "select source, entity, file, row_number, field, reason_code from raw_quarantine.records order by all"
    )


def test_every_file_once_with_lineage(house, inbox):
    (inbox / "2026").mkdir()
    (inbox / "2026" / "b.jsonl.gz").write_bytes(gzip.compress(lines(message(1), message(2))))
    (inbox / "a.jsonl").write_bytes(lines(message(3)))
    (inbox / ".hidden.jsonl").write_bytes(lines(message(4)))
    (inbox / "c.jsonl.tmp").write_bytes(lines(message(5)))
    first = ingest(house, inbox)
    assert (first.rows_read, first.rows_loaded, first.rows_quarantined) == (3, 3, 0)
    expected = [("2026/b.jsonl.gz", 1, "m1"), ("2026/b.jsonl.gz", 2, "m2"), ("a.jsonl", 1, "m3")]
    assert loaded(house) == expected
    again = ingest(house, inbox)
    assert (again.rows_read, again.notes) == (0, ())
    assert loaded(house) == expected
    assert house.rows(
        "select source, entity, rows_read, rows_loaded from raw_ops.ingest_loads order by started_at"
    ) == [
        ("events", "raw_events.events", 3, 3),
        ("events", "raw_events.events", 0, 0),
    ]


def test_bad_lines_go_to_quarantine_once(house, inbox):
    bad = lines(message(1)) + b'{"type": "track", "eve\n\n' + lines(message(2, timestamp=None), message(3, userId=None))
    (inbox / "a.jsonl").write_bytes(bad + lines(message(4)))
    result = ingest(house, inbox)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (5, 2, 3)
    assert [row[1] for row in loaded(house)] == [1, 6]
    where = ("events", "raw_events.events", "a.jsonl")
    expected = [
        (*where, 2, "", "malformed_json"),
        (*where, 4, "timestamp", "missing_timestamp"),
        (*where, 5, "userId", "missing_identity"),
    ]
    assert quarantined(house) == expected
    assert house.value("select record from raw_quarantine.records where row_number = 2") == '{"type": "track", "eve'
    ingest(house, inbox)
    assert quarantined(house) == expected
    (inbox / "a.jsonl").write_bytes(lines(message(1), message(2)))
    assert "has changed" in ingest(house, inbox).notes[0]
    assert quarantined(house) == []
    assert [row[2] for row in loaded(house)] == ["m1", "m2"]


@pytest.mark.parametrize("name", ["b.jsonl.gz", "b.jsonl"])
def test_half_written_file_waits_and_the_others_load(house, inbox, name):
    content = lines(*[message(number) for number in range(2, 400)])
    whole = gzip.compress(content) if name.endswith("gz") else content
    (inbox / "a.jsonl").write_bytes(lines(message(1)))
    (inbox / name).write_bytes(whole[: len(whole) // 2])
    result = ingest(house, inbox)
    assert len(result.notes) == 1
    assert result.notes[0].startswith(f"refused {name}: ")
    assert "nothing loaded, tried again next run" in result.notes[0]
    assert [row[0] for row in loaded(house)] == ["a.jsonl"]
    (inbox / name).write_bytes(whole)
    result = ingest(house, inbox)
    assert (result.rows_loaded, result.notes) == (398, ())
    assert len(loaded(house)) == 399
    (inbox / name).write_bytes(whole[:-20])
    result = ingest(house, inbox)
    assert "the rows of its earlier, whole version stay" in result.notes[1]
    assert len(loaded(house)) == 399


def test_damage_found_only_while_reading_costs_that_file_only(house, inbox):
    table = pa.table({"message_id": [f"p{n}" for n in range(5000)], "type": ["page"] * 5000, "user_id": ["u"] * 5000})
    table = table.append_column("event_at", pa.array([1774938600000000] * 5000, pa.timestamp("us")))
    pq.write_table(table, inbox / "b.parquet", use_dictionary=False)
    content = bytearray((inbox / "b.parquet").read_bytes())
    content[200:4000] = bytes(3800)
    (inbox / "b.parquet").write_bytes(content)
    (inbox / "a.jsonl").write_bytes(lines(message(1)) + b"broken\n")
    (inbox / "c.jsonl").write_bytes(lines(message(2)))
    result = ingest(house, inbox)
    assert [note.split(":")[0] for note in result.notes] == ["refused b.parquet"]
    assert [row[2] for row in loaded(house)] == ["m1", "m2"]
    assert len(quarantined(house)) == 1


def test_growing_file_is_replaced_as_a_whole(house, inbox):
    (inbox / "a.jsonl").write_bytes(lines(message(1)))
    ingest(house, inbox)
    (inbox / "a.jsonl").write_bytes(lines(message(1), message(2)))
    result = ingest(house, inbox)
    assert result.rows_loaded == 2
    assert [row[2] for row in loaded(house)] == ["m1", "m2"]


def test_moved_copied_and_rotated_files(house, inbox):
    (inbox / "log.jsonl").write_bytes(lines(message(1)))
    ingest(house, inbox)
    # Rotated: the old content under a new name, new content under the old one.
    (inbox / "log.jsonl").rename(inbox / "log.1.jsonl")
    (inbox / "log.jsonl").write_bytes(lines(message(2)))
    ingest(house, inbox)
    assert [row[2] for row in loaded(house)] == ["m1", "m2"]
    shutil.copy(inbox / "log.jsonl", inbox / "copy.jsonl")
    result = ingest(house, inbox)
    assert result.notes == ("copy.jsonl: skipped, same content as log.jsonl, which is loaded",)
    assert ingest(house, inbox).notes == ()
    moved = inbox.rename(inbox.parent / "elsewhere")
    result = ingest(house, moved)
    assert result.rows_loaded == 0
    assert sorted(row[2] for row in loaded(house)) == ["m1", "m2"]
    # A copy whose original changes becomes the only holder of its content.
    (moved / "log.jsonl").write_bytes(lines(message(3)))
    ingest(house, moved)
    assert sorted(row[2] for row in loaded(house)) == ["m1", "m2", "m3"]


def test_two_folders_with_the_same_file_names(house, inbox):
    other = inbox.parent / "day2"
    other.mkdir()
    (inbox / "a.jsonl").write_bytes(lines(message(1)))
    (other / "a.jsonl").write_bytes(lines(message(2)))
    ingest(house, inbox)
    ingest(house, other)
    assert loaded(house) == [("a.jsonl", 1, "m1"), ("day2/a.jsonl", 1, "m2")]
    assert ingest(house, other).rows_read == 0


def test_parquet_in_our_columns(house, inbox):
    table = pa.table(
        {
            "message_id": ["1", "2", "3", "4", "5"],
            "type": ["page", "track", "pgae", "page", "page"],
            "event": [None, None, None, None, None],
            "user_id": ["u", "u", "u", None, "u"],
            "anonymous_id": [None, None, None, "", None],
            "event_at": pa.array([1774938600000000] * 4 + [None], pa.timestamp("us", "UTC")),
            "dwell_seconds": pa.array([1, 2, 3, 4, 5], pa.int32()),
        }
    )
    pq.write_table(table, inbox / "2026-03.parquet")
    result = ingest(house, inbox)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (5, 1, 4)
    assert house.rows("select message_id, event_at::varchar, dwell_seconds, _source_row from raw_events.events") == [
        ("1", "2026-03-31 06:30:00", 1, 1)
    ]
    assert [row[3:] for row in quarantined(house)] == [
        (2, "event", "missing_event_name"),
        (3, "type", "unknown_type"),
        (4, "user_id", "missing_identity"),
        (5, "event_at", "missing_timestamp"),
    ]


def test_parquet_of_other_types_is_refused_with_the_column(house, inbox):
    table = pa.table({"message_id": ["1"], "type": ["page"], "user_id": ["u"], "event_at": ["yesterday"]})
    pq.write_table(table, inbox / "a.parquet")
    result = ingest(house, inbox)
    assert "column event_at is string and cannot be read as timestamp[us]" in result.notes[0]
    pq.write_table(pa.table({"x": [1]}), inbox / "a.parquet")
    assert "it has x" in ingest(house, inbox).notes[0]


def _die_after_the_rows_are_in(path, inbox, pipelines_dir):
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob

    run = DuckDbCopyJob.run

    def run_and_die(self):
        run(self)
        if self.load_table_name == "events":
            os._exit(9)

    DuckDbCopyJob.run = run_and_die
    load_events(path, inbox, pipelines_dir=pipelines_dir)


def test_killed_between_rows_and_bookkeeping(house, inbox):
    (inbox / "a.jsonl").write_bytes(lines(message(1), message(2)) + b"broken\n")
    process = multiprocessing.get_context("spawn").Process(
        target=_die_after_the_rows_are_in, args=(house.path, inbox, house.pipelines_dir)
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    assert len(loaded(house)) == 2
    result = ingest(house, inbox)
    assert "an earlier load was not finished" in result.notes[0]
    assert [row[2] for row in loaded(house)] == ["m1", "m2"]
    assert len(quarantined(house)) == 1
    assert ingest(house, inbox).rows_read == 0


def test_a_lost_warehouse_is_loaded_again(house, inbox):
    (inbox / "a.jsonl").write_bytes(lines(message(1)))
    ingest(house, inbox)
    house.path.unlink()
    assert ingest(house, inbox).rows_loaded == 1


def test_raw_tables_have_the_types_of_the_contract_after_loading(house, inbox):
    (inbox / "a.jsonl").write_bytes(lines(message(1)))
    ingest(house, inbox)
    with opened(house.path) as connection:
        ensure_raw_tables(connection)
    for table in RAW_TABLES.values():
        found = house.rows(
            "select column_name, data_type from information_schema.columns where table_schema = ? and table_name = ? "
            "order by ordinal_position",
            table.dataset,
            table.name,
        )
        assert found == [(column.name, duckdb_type(column.type)) for column in table.columns], table.qualified
    assert house.rows("select count(*), bool_or(pinned) from raw_ops.run_clock") == [(1, False)]


def test_wrong_folder_and_wrong_warehouse(house, inbox):
    with pytest.raises(IngestionError, match="is not a folder"):
        load_events(house.path, inbox / "absent", pipelines_dir=house.pipelines_dir)
    with pytest.raises(IngestionError, match="bears the name of one of its schemas"):
        load_events(inbox / "raw_events.duckdb", inbox, pipelines_dir=house.pipelines_dir)
    (inbox / "text.duckdb").write_text("not a database, but long enough to look like a file of some kind" * 100)
    with pytest.raises(IngestionError, match="cannot be opened as a DuckDB file"):
        load_events(inbox / "text.duckdb", inbox, pipelines_dir=house.pipelines_dir)


def test_spend(house, inbox):
    (inbox / "acme_ads_2026-03.csv").write_text(
        "Date;Campaign;Currency;Cost;Clicks\n"
        "2026-03-01;brand;eur;10.005;3\n"
        "2026-03-02;brand;XBT;10;3\n"
        "2026-03-03;brand;EUR;1.2O7,5;3\n"
        "31/03/2026;brand;EUR;1;3\n"
        "2026-03-04;brand;EUR\n"
        "2026-03-05;brand;EUR;;3\n"
        "2026-03-06;brand;BRL;5;3.5\n"
    )
    (inbox / "b.csv").write_text("day,spend\n2026-03-01,3\n")
    [result] = load_ads(house.path, inbox, pipelines_dir=house.pipelines_dir)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (7, 1, 6)
    assert house.rows(
        "select spend_on::varchar, platform, campaign, currency, spend::varchar, clicks from raw_ads.spend"
    ) == [("2026-03-01", "acme_ads", "brand", "EUR", "10.00", 3)]
    assert [row[3:] for row in quarantined(house)] == [
        (2, "Currency", "unknown_currency"),
        (3, "Cost", "bad_number"),
        (4, "Date", "invalid_date"),
        (5, "", "wrong_field_count"),
        (6, "Cost", "missing_spend"),
        (7, "Clicks", "bad_number"),
    ]
    assert "currency: one of currency, currency_code" in result.notes[0]


def test_enrichment(house, inbox):
    (inbox / "acme.csv").write_bytes(
        "domain,employee_count,cost,cost_currency,enriched_at\n"
        "a.example,10,0.08,EUR,2026-01-01T10:00:00Z\n"
        ",10,0.08,EUR,2026-01-01T10:00:00Z\n"
        "b.example,São,x,EUR,\n".encode("utf-8-sig")
    )
    [result] = load_enrichment(house.path, inbox, pipelines_dir=house.pipelines_dir)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (3, 1, 2)
    assert house.rows("select domain, provider, cost::varchar from raw_enrichment.companies") == [
        ("a.example", "acme", "0.08")
    ]
    assert [row[3:] for row in quarantined(house)] == [(2, "domain", "missing_domain"), (3, "cost", "bad_number")]


def test_wrong_encoding_is_refused_with_advice(house, inbox):
    (inbox / "acme.csv").write_bytes("domain,company_name\na.example,Açaí\n".encode("cp1252"))
    [result] = load_enrichment(house.path, inbox, pipelines_dir=house.pipelines_dir)
    assert result.rows_read == 0
    assert "Save it as UTF-8" in result.notes[0]


MAPPING = """
name: crm
entities:
  accounts:
    path: accounts*.csv
    key: id
    columns:
      name: company
      parent_ref: {column: parent, refers_to: name}
      created_at: since
    date_formats: ["%d/%m/%Y", iso]
    required: [name]
"""


def test_mapping_of_an_export(house, inbox):
    (inbox / "crm.yml").write_text(MAPPING)
    (inbox / "accounts_1.csv").write_text(
        "id,company,parent,since,colour\n"
        "1,Acme,,31/01/2026,red\n"
        "2,Acme Sub,Acme,2026-02-01,\n"
        "2,Twice,,,\n"
        ",No id,,,\n"
        "3,,,,\n"
        "4,Lost,Nobody,13/13/2026,\n"
        "5,Orphan,Nobody,,\n"
    )
    [result] = load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (7, 3, 4)
    columns = "record_id, name, parent_ref, created_at::varchar, extra"
    assert house.rows(f"select {columns} from raw_files.accounts order by record_id") == [
        ("1", "Acme", None, "2026-01-31 00:00:00", '{"colour":"red"}'),
        ("2", "Acme Sub", "1", "2026-02-01 00:00:00", '{"parent":"Acme"}'),
        ("5", "Orphan", "Nobody", None, '{"parent":"Nobody"}'),
    ]
    assert [row[3:] for row in quarantined(house)] == [
        (3, "id", "duplicate_key"),
        (4, "id", "missing_key"),
        (5, "name", "missing_required"),
        (6, "since", "invalid_date"),
    ]
    assert "refer to 1 accounts that are not in the export, such as 'Nobody'" in result.notes[0]
    # A later export brings a record again: it replaces the earlier one.
    (inbox / "accounts_2.csv").write_text("id,company,parent,since\n1,Acme Corp,,\n")
    load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir)
    names = "select record_id, name from raw_files.accounts order by record_id"
    assert house.rows(names) == [("1", "Acme Corp"), ("2", "Acme Sub"), ("5", "Orphan")]
    # A corrected mapping reads the same files anew.
    (inbox / "crm.yml").write_text(MAPPING.replace("required: [name]", "required: []"))
    load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir)
    assert house.rows(names) == [("1", "Acme Corp"), ("2", "Acme Sub"), ("3", None), ("5", "Orphan")]


def test_both_exports_in_one_load_the_later_file_wins(house, inbox):
    (inbox / "crm.yml").write_text(MAPPING)
    (inbox / "accounts_1.csv").write_text("id,company,parent,since\n1,Old,,\n")
    (inbox / "accounts_2.csv").write_text("id,company,parent,since\n1,New,,\n")
    load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir)
    assert house.rows("select record_id, name from raw_files.accounts") == [("1", "New")]


def test_mapping_whose_files_are_missing(house, inbox):
    (inbox / "crm.yml").write_text(MAPPING)
    with pytest.raises(MappingError, match=r"accounts: path: nothing in .* matches 'accounts"):
        load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir)
    with pytest.raises(MappingError, match=r"root: .* is not a folder"):
        load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir, root=inbox / "absent")
    (inbox / "accounts.csv").write_text("id,parent,since\n1,,\n")
    [result] = load_mapping(house.path, inbox / "crm.yml", pipelines_dir=house.pipelines_dir)
    assert "lacks the column(s) company" in result.notes[0]


def test_practice_crm_export(house, shared_data, monkeypatch):
    monkeypatch.setenv("MAVEN_CRM_DIR", str(shared_data("maven_crm")))
    mapping = Path(__file__).parents[3] / "docs" / "examples" / "maven_crm.yml"
    results = load_mapping(house.path, mapping, pipelines_dir=house.pipelines_dir)
    assert {result.entity: result.rows_loaded for result in results} == {
        "raw_files.owners": 35,
        "raw_files.products": 7,
        "raw_files.accounts": 85,
        "raw_files.opportunities": 8800,
    }
    assert sum(result.rows_quarantined for result in results) == 0
    assert house.rows(
        "select sum(amount::decimal(18, 2)) filter (stage = 'Won')::varchar, count(*) filter (stage = 'Won'), "
        "count(*) filter (stage in ('Won', 'Lost')), count(*) filter (account_ref is null) from raw_files.opportunities"
    ) == [("10005534.00", 4238, 6711, 1425)]
    assert house.rows(
        "select annual_revenue, revenue_currency, employee_count from raw_files.accounts where record_id = ?",
        "Acme Corporation",
    ) == [("1100040000", "USD", "2822")]
    assert house.value("select count(*) from raw_files.accounts where parent_ref is not null") == 15
    again = load_mapping(house.path, mapping, pipelines_dir=house.pipelines_dir)
    assert sum(result.rows_read for result in again) == 0


def test_captured_requests_as_files(house, shared_data):
    result = ingest(house, shared_data("tracker_payloads"))
    assert (result.rows_loaded, result.rows_quarantined) == (37, 0)
    trackers = house.rows("select distinct tracker from raw_events.events order by 1")
    assert [row[0] for row in trackers] == ["jitsu", "posthog", "rudderstack", "segment", "snowplow"]


def test_the_sample_world_file_by_file(house, small_world):
    """Exactly the planted bad rows are refused, each for its planted reason; everything else arrives."""
    options = {"pipelines_dir": house.pipelines_dir}
    [events] = load_events(house.path, small_world / "events", **options)
    [ads] = load_ads(house.path, small_world / "ads", **options)
    [enrichment] = load_enrichment(house.path, small_world / "enrichment", **options)
    counts = json.loads((small_world / "world.json").read_text())["counts"]
    read = (events.rows_read, ads.rows_read, enrichment.rows_read)
    assert read == (counts["event_lines"], counts["ad_spend"], counts["enrichment"])
    columns = "source, entity, file, row_number, reason_code"
    planted = f"select {columns} from '{small_world}/truth/quarantine.parquet' where file is not null order by all"
    assert house.rows(f"select {columns} from raw_quarantine.records order by all") == house.rows(planted)
    kept = house.rows("select count(*) from raw_events.events")[0][0]
    assert kept == events.rows_loaded == events.rows_read - events.rows_quarantined


def test_lists_of_what_happened_offline(house, inbox):
    (inbox / "fair_2026.csv").write_text(
        "happened_at;event;email;medium;source;campaign;stand\n"
        "2026-03-01;Offline: fair;ana@acme.example;fair;hospitalar;spring;B12\n"
        "2026-03-01;Offline: fair;;fair;hospitalar;spring;B12\n"
        "01/03/2026;Offline: fair;rui@acme.example;fair;hospitalar;spring;B12\n"
        "2026-03-01;;rui@acme.example;fair;hospitalar;spring;B12\n"
    )
    (inbox / "again.csv").write_text(
        "event,email,happened_at,medium,source,campaign,stand\n"
        "Offline: fair,ana@acme.example,2026-03-01,fair,hospitalar,spring,B12\n"
    )
    (inbox / "no_event.csv").write_text("happened_at,email\n2026-03-01,ana@acme.example\n")
    result = ingest(house, inbox)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (5, 2, 3)
    assert "lacks the column(s) event" in result.notes[0]
    assert house.rows(
        "select distinct type, event, email, event_at::varchar, utm_source, utm_medium, utm_campaign, properties,"
        " tracker, count(*) over (partition by message_id) from raw_events.events"
    ) == [
        (
            "track", "Offline: fair", "ana@acme.example", "2026-03-01 00:00:00", "hospitalar", "fair", "spring",
            '{"stand":"B12"}', "csv", 2,
        )
    ]  # fmt: skip
    assert quarantined(house) == [
        ("events", "raw_events.events", "fair_2026.csv", 2, "email", "missing_email"),
        ("events", "raw_events.events", "fair_2026.csv", 3, "happened_at", "invalid_date"),
        ("events", "raw_events.events", "fair_2026.csv", 4, "event", "missing_event"),
    ]
