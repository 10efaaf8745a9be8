"""Which records are worth comparing: block keys, as SQL that a model can hold."""

from __future__ import annotations

from identity.spec import Spec


def block_keys_sql(spec: Spec, nodes: str) -> str:
    """A query for ``record_key, block_key``: one row per record and blocking rule whose values are all known.

    ``block_key`` is the rule's name and its values, joined by ``|``; an empty text counts as unknown. Records that
    share a block key are candidates.
    """
    parts = []
    for rule in spec.blocking:
        values = [f"nullif(cast(({expression}) as varchar), '')" for expression in rule.same]
        where = f" where {rule.where}" if rule.where else ""
        # `||` with an unknown value is unknown: such records are left out below.
        key = " || '|' || ".join([f"'{rule.name}'", *values])
        parts.append(f"select {spec.record_key} as record_key, {key} as block_key from prepared{where}")
    union = "\n    union all\n    ".join(parts)
    return (
        f"with\n    prepared as ({spec.prepared_sql(nodes)}),\n    keyed as (\n    {union}\n    )\n"
        "select record_key, block_key from keyed where block_key is not null"
    )
