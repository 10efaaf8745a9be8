"""One apply in a process of its own, so that its memory and its death can be measured (``benchmarks/writeback.py``).

``python -m benchmarks.writeback_apply PLAN OPS_URL URL TOKEN BURST IN_FLIGHT [STATE_DIR]`` prints a line a group of
batches (the records done so far), then the result as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import reverse_etl
from crm_access import CrmAccess
from reverse_etl.results import ApplyProgress


def main() -> int:
    plan_id, ops_url, url, token, burst, in_flight, *state_dir = sys.argv[1:]
    access = CrmAccess(
        "hubspot", url, {"token": token}, burst_limit=int(burst), requests_in_flight=int(in_flight),
        state_dir=Path(state_dir[0]) if state_dir else None,
    )  # fmt: skip

    def tell(state: ApplyProgress) -> None:
        print(state.done, flush=True)

    done = reverse_etl.apply(plan_id, ops_url, {"hubspot": access}, approve=True, progress=tell)
    print(json.dumps(done.to_dict()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
