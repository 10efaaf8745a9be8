"""Who is who, measured: ``python -m benchmarks.identity --public | --world small|medium|large | --hub [--json]``.

``--public`` scores public labelled data sets beside peers. ``--world`` builds the sample world through dbt, judges
people and accounts by what was planted, and prints seconds and peak memory stage by stage, for the first day and for
the second. ``--hub`` plants identifiers that many people share, and a chain of 500 records, and shows what they do to
precision and time. Writes nothing outside ``data/bench/``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--public", action="store_true", help="public labelled data sets, beside peers")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "dedupe", help="their folder")
    parser.add_argument("--world", choices=("small", "medium", "large"), help="the sample world, through dbt")
    parser.add_argument("--world-dir", type=Path, help="a world that is there already (default data/bench/world/SIZE)")
    parser.add_argument("--hub", action="store_true", help="planted hubs and a planted chain, through dbt")
    parser.add_argument("--runs", type=int, default=1, help="builds to run; seconds are medians")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    if not (arguments.public or arguments.world or arguments.hub):
        parser.error("say what to measure: --public, --world SIZE or --hub")
    console = Console()
    measured: list[dict[str, Any]] = []
    if arguments.public:
        from benchmarks.identity_public import run_public

        measured.append(run_public(arguments.data, console))
    if arguments.world:
        from benchmarks.identity_world import run_world

        measured.append(run_world(arguments.world, arguments.world_dir, arguments.runs, console))
    if arguments.hub:
        from benchmarks.identity_hub import run_hub

        measured.append(run_hub(arguments.runs, console))
    if arguments.json:
        print(json.dumps(measured[0] if len(measured) == 1 else {"benchmark": "identity", "parts": measured}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
