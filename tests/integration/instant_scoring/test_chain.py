"""A model that needs other accounts' rows stops the build, by name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from scored_world import Built

from instant import chain
from instant.chain import ALLOWED, ModelNotRestricted, NotCompiled, compile_chain, read_manifest

Changed = Callable[..., dict[str, Any]]
SUMS = "int_contact_score_sums"


@pytest.fixture(scope="module")
def manifest(built: Built) -> dict[str, Any]:
    return dict(read_manifest(built.manifest))


@pytest.fixture
def changed(manifest: dict[str, Any]) -> Changed:
    """The manifest with a model's SQL changed, or fields of its node set."""

    def change(model: str, old: str = "", new: str = "", **fields: Any) -> dict[str, Any]:
        other = {**manifest, "nodes": dict(manifest["nodes"])}
        unique_id = f"model.leadhouse.{model}"
        node = copy.deepcopy(manifest["nodes"][unique_id])
        if old:
            assert old in node["compiled_code"]
            node["compiled_code"] = node["compiled_code"].replace(old, new)
        for name, value in fields.items():
            node[name] = {**node[name], **value} if isinstance(value, dict) else value
        other["nodes"][unique_id] = node
        return other

    return change


def test_the_project_as_it_stands_compiles(manifest: dict[str, Any]) -> None:
    compiled = compile_chain(manifest)
    assert {"int_page_events", "int_engagement_daily", "fct_score_ledger"} <= set(compiled.models)
    assert "int_contact_records" not in compiled.models


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("sums.last_evidence_at", "percent_rank() over (order by sums.fit_score) as last_evidence_at", "window"),
        ("sums.last_evidence_at", "avg(sums.fit_score) over () as last_evidence_at", "window"),
        ("group by contact_id", "group by score_kind", "sums over no key"),
        ("from lines", "from (select * from lines order by points desc limit 100) as lines", "first rows"),
    ],
)
def test_what_needs_everybody_is_refused_by_name(changed: Changed, old: str, new: str, why: str) -> None:
    with pytest.raises(ModelNotRestricted, match=why) as refused:
        compile_chain(changed(SUMS, old, new))
    assert refused.value.model == SUMS
    assert str(refused.value).startswith(SUMS)


@pytest.mark.parametrize(
    "fields", [{"language": "python"}, {"config": {"materialized": "connected_components"}}], ids=["python", "walk"]
)
def test_what_is_not_one_query_is_refused_by_name(changed: Changed, fields: dict[str, Any]) -> None:
    with pytest.raises(ModelNotRestricted, match=SUMS):
        compile_chain(changed(SUMS, **fields))


def test_a_source_that_is_no_leaf_is_refused_by_name(changed: Changed, manifest: dict[str, Any]) -> None:
    source = next(key for key in manifest["sources"] if key.endswith("raw_hubspot.deals"))
    parents = manifest["nodes"][f"model.leadhouse.{SUMS}"]["depends_on"]["nodes"]
    depends_on = {"nodes": [*parents, source]}
    deals = manifest["sources"][source]["relation_name"]
    # Waited for, but not read.
    compile_chain(changed(SUMS, "select *\nfrom final", f"-- {deals}\nselect * from final", depends_on=depends_on))
    with pytest.raises(ModelNotRestricted, match=SUMS):
        compile_chain(changed(SUMS, "from lines", f"from lines cross join {deals}", depends_on=depends_on))


@pytest.mark.parametrize("model", sorted({model for model, _ in ALLOWED}))
def test_every_exception_is_needed(manifest: dict[str, Any], model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "ALLOWED", {key: why for key, why in ALLOWED.items() if key[0] != model})
    with pytest.raises(ModelNotRestricted, match=model):
        compile_chain(manifest)


def test_a_manifest_that_was_only_parsed_is_refused(changed: Changed) -> None:
    with pytest.raises(NotCompiled, match=SUMS):
        compile_chain(changed(SUMS, compiled_code=None))


def test_sql_of_an_increment_is_refused(changed: Changed, manifest: dict[str, Any]) -> None:
    own = manifest["nodes"]["model.leadhouse.int_engagement_daily"]["relation_name"]
    with pytest.raises(NotCompiled, match="int_engagement_daily"):
        compile_chain(changed("int_engagement_daily", "select *\nfrom final", f"select * from final, {own}"))
