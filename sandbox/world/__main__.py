"""``python -m sandbox.world --size small --out data/world/small [--seed 7]``: writes a sample world."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from sandbox.world.generate import WorldError, generate
from sandbox.world.sizes import SIZES


def main(arguments: list[str] | None = None) -> int:
    """Writes a world; exit code 2 when it cannot be made as asked."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.world", description=__doc__)
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--out", type=Path, help="folder to write to (default: data/world/<size>)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quiet", action="store_true", help="print only the last line")
    options = parser.parse_args(arguments)
    out = options.out or Path("data/world") / options.size
    began = time.monotonic()

    def say(message: str) -> None:
        if not options.quiet:
            print(f"{time.monotonic() - began:7.1f} s  {message}", file=sys.stderr, flush=True)

    try:
        summary = generate(options.size, out, options.seed, say)
    except WorldError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    counts = summary["counts"]
    print(
        f"world {summary['size']} (seed {summary['seed']}, as of {summary['as_of']}) in {out}: "
        f"{counts['people']:,} people, {counts['contacts']:,} contact records, {counts['companies']:,} companies, "
        f"{counts['deals']:,} deals, {counts['web_events']:,} web events, {time.monotonic() - began:.1f} s"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
