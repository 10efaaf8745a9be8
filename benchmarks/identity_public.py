"""The matcher on public labelled data sets, beside what peers reach on the same data in the same call.

The truth column is read to score, never to learn: weights come from the unlabelled records. Rules and the weight from
which a pair links are declared in ``benchmarks/identity_rules``; whoever wrote them had seen the data, and the table by
threshold shows what the choice is worth. What the product does with contacts is
done here: rules, training, block keys, Splink's scores, and the resolver.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_library as cl
from rich.console import Console
from rich.table import Table
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from benchmarks.pairwise import Quality, closure, pairwise
from identity import Spec, SpecError, block_keys_sql, load_spec, score, train
from identity.resolve import Node, Pair, ResolveSettings, resolve_records
from identity.warehouse import resolve_settings

RULES = Path(__file__).parent / "identity_rules"
SETTINGS = Path(__file__).resolve().parents[1] / "seeds" / "identity_settings.csv"
#: Weights for which the table of thresholds is printed, beside the declared one.
THRESHOLDS = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class DataSet:
    """A public data set: its file, the rules for it, the column that alone names a person in a simple system."""

    name: str
    rules: str
    exact: str
    wanted_f1: float
    wanted_precision: float = 0.0


DATA_SETS = (
    DataSet("fake_1000", "fake_1000.yml", "email", 0.88, 0.99),
    DataSet("febrl1", "febrl.yml", "soc_sec_id", 0.997),
    DataSet("febrl2", "febrl.yml", "soc_sec_id", 0.997),
    DataSet("febrl3", "febrl.yml", "soc_sec_id", 0.997),
)


def run_public(folder: Path, console: Console) -> dict[str, Any]:
    """Score every data set found in ``folder``; those absent are named and left out."""
    results: list[dict[str, Any]] = []
    for data_set in DATA_SETS:
        file = folder / f"{data_set.name}.csv"
        if not file.is_file():
            console.print(
                f"{data_set.name}: {file} is not there; skipped. Give the folder with --data.", style="yellow"
            )
            continue
        with console.status(f"{data_set.name}..."):
            results.append(_run(data_set, file))
    if results:
        _print(results, console)
    return {"benchmark": "identity", "mode": "public", "data_sets": results}


def _run(data_set: DataSet, file: Path) -> dict[str, Any]:
    spec = load_spec(RULES / data_set.rules)
    if spec.thresholds is None:
        raise SpecError(
            f"{data_set.rules}: `thresholds.link` is missing; it must be declared, not chosen by the truth."
        )
    link = spec.thresholds.link
    with duckdb.connect() as connection:
        # The truth stays out of the table that the matcher sees.
        truth_table = f"read_csv('{file}', all_varchar = true)"
        connection.execute(f"create table nodes as select * exclude (cluster) from {truth_table}")
        truth: dict[str, str] = dict(
            connection.execute(f"select {spec.record_key}, cluster from {truth_table}").fetchall()
        )
        started = time.monotonic()
        pairs, candidates = _scored(connection, spec)
        seconds = time.monotonic() - started
        ours = {weight: _resolved(truth, pairs, weight) for weight in sorted({*THRESHOLDS, link})}
        plain = pairwise(
            closure(truth, [(p.record_key_l, p.record_key_r) for p in pairs if p.match_weight >= link]), truth
        )
        peers = {f"exact {data_set.exact} only": _peer(lambda: _exact(connection, spec, data_set.exact), truth)}
        if data_set.name == "fake_1000":
            for name, rules in (
                ("Splink, tutorial blocking", [block_on("first_name", "city"), block_on("surname")]),
                (
                    "Splink, wider blocking",
                    [block_on(column) for column in ("first_name", "surname", "dob", "city", "email")],
                ),
            ):
                peers[name] = _peer(lambda rules=rules: _tutorial(connection, rules), truth)  # type: ignore[misc]
    mine = ours[link]
    return {
        "data_set": data_set.name,
        "records": len(truth),
        "candidates": candidates,
        "threshold": link,
        "seconds": round(seconds, 2),
        **_numbers(mine),
        "plain_closure_f1": round(plain.f1, 4),
        "reached": mine.f1 >= data_set.wanted_f1 and mine.precision >= data_set.wanted_precision,
        "wanted_f1": data_set.wanted_f1,
        "by_threshold": {f"{weight:g}": _numbers(found) for weight, found in ours.items()},
        "peers": {
            name: _numbers(found) | {"seconds": round(took, 2), "f1_ratio": round(mine.f1 / found.f1, 2)}
            for name, (found, took) in peers.items()
        },
    }


def _scored(connection: duckdb.DuckDBPyConnection, spec: Spec) -> tuple[list[Pair], int]:
    """Train on the records, propose pairs, score them: the product's own path."""
    trained = train(connection, spec, "nodes")
    connection.execute(f"create table keys as {block_keys_sql(spec, 'nodes')}")
    connection.execute(
        "create table candidates as select distinct l.record_key as record_key_l, r.record_key as record_key_r "
        "from keys as l inner join keys as r on l.block_key = r.block_key and l.record_key < r.record_key"
    )
    score(connection, spec, trained, "nodes", "candidates", "scored", min_weight=min(THRESHOLDS))
    rows = connection.execute("select record_key_l, record_key_r, match_weight from scored").fetchall()
    count = int(connection.execute("select count(*) from candidates").fetchall()[0][0])
    return [Pair(left, right, float(weight)) for left, right, weight in rows], count


def _resolved(truth: dict[str, str], pairs: list[Pair], accept: float) -> Quality:
    """The product's resolver with its shipped guards; the weight from which a pair links is the data set's."""
    with SETTINGS.open(encoding="utf-8", newline="") as handle:
        values: dict[str, object] = {row["setting"]: row["value"] for row in csv.DictReader(handle)}
    settings: ResolveSettings = resolve_settings(values | {"accept_match_weight": accept})
    components = closure(truth, [(pair.record_key_l, pair.record_key_r) for pair in pairs])
    outcomes = resolve_records([Node(record, components[record]) for record in truth], [], pairs, [], settings)
    edges = [(found.record_key, found.linked_record_key) for found in outcomes if found.verdict == "linked"]
    return pairwise(closure(truth, edges), truth)


def _peer(run: Callable[[], list[tuple[str, str]]], truth: dict[str, str]) -> tuple[Quality, float]:
    started = time.monotonic()
    edges = run()
    return pairwise(closure(truth, edges), truth), time.monotonic() - started


def _exact(connection: duckdb.DuckDBPyConnection, spec: Spec, column: str) -> list[tuple[str, str]]:
    """What most systems do: one identifier, equal or not."""
    key = spec.record_key
    return connection.execute(
        f"select {key}, min({key}) over (partition by {column}) from nodes where {column} is not null"
    ).fetchall()


def _tutorial(connection: duckdb.DuckDBPyConnection, rules: list[Any]) -> list[tuple[str, str]]:
    """Splink as its tutorial sets it up for this data set, links from a probability of 0.95 as there."""
    cursor = connection.cursor()
    cursor.execute("create or replace temp table tutorial_records as from nodes")
    api = DuckDBAPI(connection=cursor)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.NameComparison("first_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        blocking_rules_to_generate_predictions=rules,
    )
    linker = Linker(api.register("tutorial_records"), settings, log_level=None)
    certain: list[Any] = [
        block_on("first_name", "dob"),
        "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
        block_on("email"),
    ]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=5_000_000, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "surname"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("dob"))
    scored = linker.inference.predict(threshold_match_probability=0.95).physical_name
    edges = cursor.execute(f"select unique_id_l, unique_id_r from {scored}").fetchall()
    cursor.close()
    return edges


def _numbers(found: Quality) -> dict[str, float]:
    return {
        "precision": round(found.precision, 4),
        "recall": round(found.recall, 4),
        "f1": round(found.f1, 4),
    }


def _print(results: list[dict[str, Any]], console: Console) -> None:
    table = Table(title="Public data sets: pairs of records after closure")
    for column in ("data set", "who", "precision", "recall", "F1", "wanted", "ours / theirs", "s"):
        table.add_column(column, justify="left" if column in ("data set", "who") else "right")
    for result in results:
        wanted = f"{result['wanted_f1']} {'reached' if result['reached'] else 'MISSED'}"
        _row(table, result["data_set"], f"Leadhouse (weight {result['threshold']:g})", result, wanted, "")
        for name, peer in result["peers"].items():
            _row(table, "", name, peer, "", f"{peer['f1_ratio']:.2f}")
    console.print(table)
    thresholds = Table(title="F1 (precision) by the weight from which pairs link; the declared one counts")
    thresholds.add_column("data set")
    weights = sorted({float(weight) for result in results for weight in result["by_threshold"]})
    for weight in weights:
        thresholds.add_column(f"{weight:g}", justify="right")
    for result in results:
        found = result["by_threshold"]
        cells = [found.get(f"{weight:g}") for weight in weights]
        thresholds.add_row(
            result["data_set"],
            *(f"{cell['f1']:.3f} ({cell['precision']:.3f})" if cell else "" for cell in cells),
        )
    console.print(thresholds)


def _row(table: Table, data_set: str, who: str, found: dict[str, Any], wanted: str, ratio: str) -> None:
    cells = (f"{found[name]:.4f}" for name in ("precision", "recall", "f1"))
    table.add_row(data_set, who, *cells, wanted, ratio, f"{found['seconds']:.1f}")
