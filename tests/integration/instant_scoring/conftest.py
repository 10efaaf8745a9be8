"""One built world a session; see scored_world.py."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest
from scored_world import COMPANIES, Batch, Built, build, person, world

from instant.chain import compile_chain, read_manifest
from instant.scoring import InstantScorer
from orchestration.publish import publish


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("scored")
    warehouse, manifest = build(folder, world())
    publish(warehouse, folder / "published", chain=compile_chain(read_manifest(manifest)))
    return Built(warehouse, manifest, folder / "published" / "current.duckdb")


@pytest.fixture(scope="session")
def batch(built: Built) -> Batch:
    return Batch(built.warehouse, built.manifest)


@pytest.fixture(scope="session")
def scorer(built: Built) -> InstantScorer:
    return InstantScorer(None, built.published)


@pytest.fixture(scope="session")
def accounts(built: Built) -> Mapping[int, str]:
    """Account of each company's first person."""
    with duckdb.connect(str(built.published), read_only=True) as connection:
        known = dict(connection.execute("select email, account_id from marts.dim_contacts").fetchall())
    found = {company: known[person(company, 0)] for company in range(COMPANIES)}
    return {company: account_id for company, account_id in found.items() if account_id is not None}
