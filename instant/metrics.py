"""Numbers for Prometheus, in its text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Upper bounds of latency, seconds, and of group sizes, events.
LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SIZE_BOUNDS = (1, 5, 20, 50, 100, 500, 1_000, 5_000)

Labels = tuple[tuple[str, str], ...]


@dataclass
class _Histogram:
    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)


class Metrics:
    """Counters, gauges and histograms of one process. Any thread may write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._help: dict[str, tuple[str, str]] = {}
        self._counters: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}

    def describe(self, name: str, kind: str, words: str) -> None:
        """What a name stands for; ``kind`` is ``counter``, ``gauge`` or ``histogram``."""
        self._help[name] = (kind, words)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        with self._lock:
            series = self._counters.setdefault(name, {})
            key = tuple(sorted(labels.items()))
            series[key] = series.get(key, 0) + amount

    def set(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge."""
        with self._lock:
            self._gauges.setdefault(name, {})[tuple(sorted(labels.items()))] = value

    def observe(self, name: str, value: float, bounds: Sequence[float] = LATENCY_BOUNDS, **labels: str) -> None:
        """Adds a value to a histogram."""
        with self._lock:
            series = self._histograms.setdefault(name, {})
            histogram = series.setdefault(tuple(sorted(labels.items())), _Histogram(bounds))
            histogram.counts[bisect_left(histogram.bounds, value)] += 1
            histogram.total += value

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        with self._lock:
            lines: list[str] = []
            for name, (kind, words) in sorted(self._help.items()):
                lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
                for labels, value in sorted({**self._counters.get(name, {}), **self._gauges.get(name, {})}.items()):
                    lines.append(
                        f"{name}{_shown(labels)} {value:g}" if value % 1 else f"{name}{_shown(labels)} {value:.0f}"
                    )
                for labels, histogram in sorted(self._histograms.get(name, {}).items()):
                    reached = 0
                    for bound, number in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
                        reached += number
                        lines.append(f"{name}_bucket{_shown((*labels, ('le', str(bound))))} {reached}")
                    lines.append(f"{name}_sum{_shown(labels)} {histogram.total:.6f}")
                    lines.append(f"{name}_count{_shown(labels)} {reached}")
            return "\n".join(lines) + "\n"


def _shown(labels: Labels) -> str:
    if not labels:
        return ""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return "{" + inner + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
