"""Shared by the benchmarks: run a command and sample the memory of its whole process tree."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1


@dataclass
class Run:
    """One measured command: wall seconds, exit code, and samples of (unix time, resident bytes of the tree)."""

    seconds: float = 0.0
    exit_code: int = 0
    samples: list[tuple[float, int]] = field(default_factory=list)

    def peak_bytes(self, start: float = 0.0, end: float = float("inf")) -> int:
        """Highest resident memory of the tree between two unix times; 0 where no sample fell in between."""
        return max((size for at, size in self.samples if start <= at <= end), default=0)


def run_measured(command: Sequence[str], env: dict[str, str], cwd: Path, log: Path) -> Run:
    """Run ``command`` to its end, its output in ``log``, sampling the memory of the process and all its children."""
    run = Run()
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        done = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, run.samples, done), daemon=True)
        sampler.start()
        run.exit_code = process.wait()
        done.set()
        sampler.join()
    run.seconds = time.monotonic() - started
    return run


def _sample(pid: int, samples: list[tuple[float, int]], done: threading.Event) -> None:
    while not done.wait(SAMPLE_SECONDS):
        samples.append((time.time(), tree_bytes(pid)))


def tree_bytes(pid: int) -> int:
    """Resident bytes of a process and its descendants; a process that ends meanwhile counts as zero."""
    total = 0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}"
