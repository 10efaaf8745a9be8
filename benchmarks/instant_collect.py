"""The collector, measured: ``python -m benchmarks.instant_collect [--seconds N] [--inbox URL] [--json]``.

A collector process on 127.0.0.1 and clients that send batches of events in Segment's format, each batch answered when
it is on disk. Two runs: as fast as the clients can go (accepted events a second), and at a steady rate (how long an
answer takes; a batch that could not be sent when it was due has waited since). Afterwards the inbox must hold exactly
the events that were answered with 200. Clients run on the same machine and take their share of it. Writes nothing
outside ``data/bench/`` (or the database that ``--inbox`` names).
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import queue
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.build import BENCH
from benchmarks.measure import megabytes
from instant.inbox import Inbox
from instant.keys import KeyStore

KEY = "wk_benchmark"
BATCH = 20
#: Events a second that issue 7 asks for.
AIM = 2_000


@dataclass
class Load:
    """What one run sent and what came back. Latencies in seconds, of batches answered with 200."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    server_cpu: float = 0.0

    @property
    def accepted(self) -> int:
        """Events answered with 200."""
        return self.statuses.get(200, 0) * BATCH


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instant_collect", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each run")
    parser.add_argument("--clients", type=int, default=16, help="connections that send at once")
    parser.add_argument("--rate", type=int, default=AIM, help="events a second of the steady run")
    parser.add_argument("--inbox", help="SQLAlchemy URL of an empty inbox; default: a SQLite file in data/bench")
    parser.add_argument("--workers", type=int, default=1, help="processes of the collector (PostgreSQL only)")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    folder = BENCH / "instant_collect"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = arguments.inbox or f"sqlite:///{folder / 'inbox.db'}"
    with Inbox(url) as inbox:
        if inbox.standing().events:
            parser.error("--inbox names an inbox that holds events; the benchmark counts its own")
        KeyStore(inbox).add("benchmark", key=KEY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = _start(folder, url, port, arguments.workers)
    try:
        _send(process, port, "warm", min(arguments.seconds, 2.0), arguments.clients, None)
        warm = _count(url)
        fast = _send(process, port, "fast", arguments.seconds, arguments.clients, None)
        steady = _send(process, port, "steady", arguments.seconds, arguments.clients, arguments.rate)
        memory = sum(one.memory_info().rss for one in _family(process))
    finally:
        process.terminate()
        process.wait(30)
    kept = _count(url) - warm
    answered = fast.accepted + steady.accepted
    report = {
        "benchmark": "instant_collect",
        "inbox": url.partition(":")[0],
        "workers": arguments.workers,
        "clients": arguments.clients,
        "events_per_batch": BATCH,
        "aim_events_per_second": AIM,
        "fast": _figures(fast),
        "steady": {"rate": arguments.rate, **_figures(steady)},
        "answered_events": answered,
        "kept_events": kept,
        "server_memory_bytes": memory,
    }
    _print(Console(), report)
    if arguments.json:
        print(json.dumps(report))
    if kept != answered:
        print(f"{answered:,} events were answered with 200 and {kept:,} are kept", file=sys.stderr)
        return 1
    return 0


def _start(folder: Path, url: str, port: int, workers: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "LEADHOUSE_DATA_DIR": str(folder),
        "LEADHOUSE_INBOX_URL": url,
        "LEADHOUSE_COLLECT_EVENTS_PER_SECOND": "1000000",
    }
    command = [sys.executable, "-m", "leadhouse.cli", "collect", "--port", str(port), "--workers", str(workers)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return process
        except OSError:
            time.sleep(0.05)
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the collector did not start: {(folder / 'log').read_text()}")


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def _cpu(process: subprocess.Popen[bytes]) -> float:
    times = [one.cpu_times() for one in _family(process)]
    return sum(float(one.user + one.system) for one in times)


def _send(
    process: subprocess.Popen[bytes], port: int, name: str, seconds: float, clients: int, rate: int | None
) -> Load:
    """Sends for so many seconds; with a rate, batch ``n`` is due at ``n * BATCH / rate`` and none is left out."""
    load = Load()
    lock = threading.Lock()
    due: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    started = time.monotonic()
    end = started + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        latencies: list[float] = []
        statuses: dict[int, int] = {}
        sent = 0
        while True:
            begun: float | None = time.monotonic()
            if rate is not None:
                begun = due.get()
                if begun is None:
                    break
            elif time.monotonic() >= end:
                break
            assert begun is not None
            connection.request("POST", "/v1/batch", _body(f"{name}-{number}-{sent}"), headers)
            answer = connection.getresponse()
            answer.read()
            sent += 1
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status == 200:
                latencies.append(time.monotonic() - begun)
        connection.close()
        with lock:
            load.latencies += latencies
            for status, count in statuses.items():
                load.statuses[status] = load.statuses.get(status, 0) + count

    cpu = _cpu(process)
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    if rate is not None:
        for number in range(int(seconds * rate / BATCH)):
            moment = started + number * BATCH / rate
            time.sleep(max(0.0, moment - time.monotonic()))
            due.put(moment)
        for _ in threads:
            due.put(None)
    for thread in threads:
        thread.join()
    load.seconds = time.monotonic() - started
    load.server_cpu = _cpu(process) - cpu
    return load


_EVENT = {
    "type": "track", "event": "Content Downloaded", "anonymousId": "5f0c2f0e-1111-4222-8333-9c1f0a6c0001",
    "timestamp": "2026-11-01T08:30:00.000Z",
    "properties": {"content": "case-study", "form_id": "f1", "email": "ada@example.com"},
    "context": {
        "page": {"url": "https://www.example.com/case-studies/one?utm_source=ads&utm_campaign=q4", "title": "One"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "locale": "en-US",
        "library": {"name": "analytics.js", "version": "next-1.70.0"},
    },
}  # fmt: skip
_TAIL = json.dumps(_EVENT)[1:]


def _body(name: str) -> bytes:
    events = ",".join(f'{{"messageId":"{name}-{place}",{_TAIL}' for place in range(BATCH))
    return f'{{"batch":[{events}]}}'.encode()


def _count(url: str) -> int:
    with Inbox(url) as inbox:
        return inbox.standing().events


def _figures(load: Load) -> dict[str, Any]:
    millis = sorted(value * 1_000 for value in load.latencies)
    cuts = statistics.quantiles(millis, n=100, method="inclusive") if len(millis) > 1 else [0.0] * 99
    return {
        "seconds": round(load.seconds, 2),
        "events_per_second": round(load.accepted / load.seconds),
        "p50_ms": round(cuts[49], 2),
        "p99_ms": round(cuts[98], 2),
        "statuses": {str(status): count for status, count in sorted(load.statuses.items())},
        "server_cpu_share": round(load.server_cpu / load.seconds, 2),
    }


def _print(console: Console, report: dict[str, Any]) -> None:
    table = Table("Run", "Events/s", "p50 ms", "p99 ms", "Server CPUs", "Answers", title="Collector, durable answers")
    for name, words in (("fast", "as fast as it goes"), ("steady", f"steady {report['steady']['rate']:,}/s")):
        run = report[name]
        answers = ", ".join(f"{count:,} x {status}" for status, count in run["statuses"].items())
        table.add_row(
            words, f"{run['events_per_second']:,}", f"{run['p50_ms']:.1f}", f"{run['p99_ms']:.1f}",
            f"{run['server_cpu_share']:.2f}", answers,
        )  # fmt: skip
    console.print(table)
    console.print(
        f"{report['inbox']}, {report['workers']} process(es), {report['clients']} clients, batches of {BATCH}; "
        f"{report['answered_events']:,} events answered with 200, {report['kept_events']:,} kept; "
        f"{megabytes(report['server_memory_bytes'])} MB resident. Aim: {AIM:,} events/s.",
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
