"""The deletion of erased people in the CRM, queued by the erasure and carried out by the next apply."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from reverse_etl.connectors.base import Connector, RowWrite
from reverse_etl.errors import WritebackError
from reverse_etl.store import Store, WriteRow, utc_now
from reverse_etl.suppressions import ERASURE_SYNC, Deletion

if TYPE_CHECKING:
    from reverse_etl.applier import SyncResult


def carry_out(
    store: Store,
    plan_id: str,
    deletions: Sequence[Deletion],
    connect: Callable[[str], Connector],
    connectors: dict[str, Connector],
    result: SyncResult,
    stop: threading.Event,
) -> None:
    """Delete what is queued, record by record in the ledger (action ``delete``); a refused one is a dead letter and is
    tried again by the next apply. Safe to interrupt and to repeat: a record that is gone counts as deleted.
    """
    run_id = f"run_{utc_now():%Y%m%d%H%M%S}_{secrets.token_hex(4)}"
    before = {name: connector.requests for name, connector in connectors.items()}
    store.start_run(run_id, plan_id, ERASURE_SYNC)
    status, message = "failed", "interrupted"
    try:
        for (destination, object_name), group in groupby(deletions, key=lambda one: (one.destination, one.object)):
            if destination not in connectors:
                connectors[destination] = connect(destination)
                before[destination] = 0
            wanted = list(group)
            connector = connectors[destination]
            size = max(1, connector.batch_size)
            for start in range(0, len(wanted), size):
                if stop.is_set():
                    break
                batch = wanted[start : start + size]
                rows = [RowWrite(f"erase:{one.suppression_id}", one.record_id, {}) for one in batch]
                outcomes = connector.delete(object_name, rows)
                written = [
                    WriteRow(
                        write_id=outcome.ref,
                        run_id=run_id,
                        plan_id=plan_id,
                        sync=ERASURE_SYNC,
                        destination=destination,
                        object=object_name,
                        sync_key=outcome.ref,
                        record_id=one.record_id,
                        action="delete",
                        fields="{}",
                        outcome="written" if outcome.is_written else "rejected",
                        error_kind=outcome.error_kind,
                        error_message=outcome.error_message,
                        acknowledged_at=utc_now(),
                    )
                    for one, outcome in zip(batch, outcomes, strict=True)
                ]
                store.finish_batch(None, written)
                done = sum(row.outcome == "written" for row in written)
                result.deletes += done
                result.written += done
                result.rejected += len(written) - done
                result.unsent -= len(written)
        status, message = ("stopped", "SIGTERM") if result.unsent else ("done", "")
    except WritebackError as error:
        message = str(error)
        raise
    finally:
        result.requests = sum(one.requests - before[name] for name, one in connectors.items() if name in before)
        store.finish_run(
            run_id,
            status=status,
            requests=result.requests,
            written=result.written,
            rejected=result.rejected,
            message=message or None,
        )
