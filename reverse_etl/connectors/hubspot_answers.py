"""What HubSpot says of the records of a request: which were written, which were refused and why.

A batch's answer names its records by ``objectWriteTraceId`` where the request gave one (errors in their ``context``,
results at the top), else by id. What it ties to nothing is not guessed: the caller asks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reverse_etl.connectors.base import Link, RowOutcome, RowWrite
from reverse_etl.connectors.transport import Answer

_KIND_OF_STATUS = {400: "validation", 403: "permission", 404: "missing", 409: "conflict", 429: "rate"}
_KIND_OF_CATEGORY = {
    "VALIDATION_ERROR": "validation",
    "INVALID_VALUE": "validation",
    "OBJECT_NOT_FOUND": "missing",
    "CONFLICT": "conflict",
    "OBJECT_ALREADY_EXISTS": "conflict",
    "MISSING_SCOPES": "permission",
    "FORBIDDEN": "permission",
    "RATE_LIMITS": "rate",
}
#: A validation error that is in truth somebody else's record with the same unique value.
_UNIQUE_VALUE_TAKEN = "CONFLICTING_UNIQUE_VALUE"
#: Members of an error's context that name properties; an administrator's required ones come under the first.
_NAMING = ("properties", "propertyName", "missingFields", "requiredGranularScopes")
_LONGEST_MESSAGE = 2000

Json = Mapping[str, Any]


def message_of(answer: Answer) -> str:
    """The refusal of a whole answer in the vendor's words, with the properties and scopes it is about."""
    return refusal_text(answer.members, f"HTTP {answer.status}")


def kind_of(answer: Answer) -> str:
    """The kind of refusal of a whole answer (``connectors.base.ERROR_KINDS``)."""
    return kind_of_error(answer.members, answer.status)


def kind_of_error(error: Json, status: Any = None) -> str:
    """The kind of one error: by what it says, else by its category, else by a status."""
    if any(nested.get("code") == _UNIQUE_VALUE_TAKEN for nested in _nested(error)):
        return "conflict"
    known = _KIND_OF_CATEGORY.get(str(error.get("category")))
    if known is not None:
        return known
    try:
        return _KIND_OF_STATUS.get(int(error.get("status") if status is None else status), "unknown")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "unknown"


def refusal_text(error: Json, without: str = "refused without a message") -> str:
    """One error in the vendor's words: its sentence, its details, and the names that neither of them says."""
    text = str(error.get("message") or without)
    for nested in _nested(error):
        detail = str(nested.get("message") or "")
        if detail and detail not in text:
            text += f"; {detail}"
    names = [name for name in dict.fromkeys(_named(error)) if name not in text]
    if names:
        text += f" ({', '.join(names)})"
    return text[:_LONGEST_MESSAGE]


def names_property(error_text: str, names: Sequence[str]) -> bool:
    """Whether a refusal is about one of these properties."""
    return any(name in error_text for name in names)


def read_results(body: Json, rows: Sequence[RowWrite]) -> dict[str, RowOutcome]:
    """The outcomes that a batch's body ties to a row, by ``ref``."""
    by_ref = {row.ref: row for row in rows}
    by_id = {row.record_id: row for row in rows if row.record_id is not None}
    outcomes: dict[str, RowOutcome] = {}
    for error in _objects(body.get("errors")):
        context = error.get("context") or {}
        traces = [*_listed(context.get("objectWriteTraceId")), error.get("objectWriteTraceId"), error.get("id")]
        refused = [by_ref[t] for t in traces if t in by_ref]
        if not refused:
            refused = [by_id[i] for i in map(str, _listed(context.get("ids"))) if i in by_id]
        for row in refused:
            outcomes[row.ref] = RowOutcome(row.ref, row.record_id, kind_of_error(error), refusal_text(error))
    untied = []
    for result in _objects(body.get("results")):
        record_id = str(result.get("id"))
        written = by_ref.get(str(result.get("objectWriteTraceId"))) or by_id.get(record_id)
        if written is None:
            untied.append(result)
        elif written.ref not in outcomes:
            outcomes[written.ref] = RowOutcome(written.ref, record_id)
    _tie_by_values(untied, [row for row in rows if row.record_id is None and row.ref not in outcomes], outcomes)
    return outcomes


def only_outcome(body: Json, row: RowWrite) -> RowOutcome:
    """The outcome of a row that was sent alone: whatever the body says is about it (a merged id answers as another)."""
    for result in _objects(body.get("results")):
        return RowOutcome(row.ref, str(result.get("id")))
    for error in _objects(body.get("errors")):
        return RowOutcome(row.ref, row.record_id, kind_of_error(error), refusal_text(error))
    return RowOutcome(row.ref, row.record_id, "unknown", "HubSpot answered neither a result nor an error")


def read_links(body: Json, links: Sequence[Link]) -> dict[str, RowOutcome]:
    """The associations that a batch's body says are there now, by ``ref``. It names a pair from both ends."""
    pairs = set()
    for result in _objects(body.get("results")):
        ends = str((result.get("from") or {}).get("id")), str((result.get("to") or {}).get("id"))
        pairs |= {ends, ends[::-1]}
    return {link.ref: RowOutcome(link.ref, link.from_id) for link in links if (link.from_id, link.to_id) in pairs}


def _tie_by_values(results: Sequence[Json], rows: Sequence[RowWrite], outcomes: dict[str, RowOutcome]) -> None:
    """New records that came back without a trace are told by the values they were sent with, where only one row fits.

    Each row takes part once, so that two rows with the same values stay untied.
    """
    for result in results:
        held = {name: str(value).lower() for name, value in (result.get("properties") or {}).items() if value}
        fitting = [
            row
            for row in rows
            if held.keys() & row.properties.keys()
            and all(held[n] == row.properties[n].lower() for n in held.keys() & row.properties.keys())
        ]
        if len(fitting) == 1 and fitting[0].ref not in outcomes:
            outcomes[fitting[0].ref] = RowOutcome(fitting[0].ref, str(result.get("id")))


def _named(error: Json) -> Iterator[str]:
    for one in (error, *_nested(error)):
        context = one.get("context")
        for key in _NAMING if isinstance(context, Mapping) else ():
            for name in _listed(context.get(key)):  # type: ignore[union-attr]
                yield str(name).strip("[]")


def _nested(error: Json) -> list[Json]:
    return _objects(error.get("errors"))


def _objects(found: Any) -> list[Json]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
