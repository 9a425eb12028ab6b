"""The counters behind ``/metrics``, under TGI's names, as Prometheus text."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builders.serve.engine import Load

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts of one server's life."""

    def __init__(self) -> None:
        self._counters: Counter[str] = Counter({"tgi_request_count": 0, "tgi_request_success": 0})
        self._failures: Counter[str] = Counter()
        self._observed: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0])

    def received(self) -> None:
        """A request has come in."""
        self._counters["tgi_request_count"] += 1

    def failed(self, kind: str) -> None:
        """A request has ended without an answer; ``kind`` is TGI's ``err`` label."""
        self._failures[kind] += 1

    def succeeded(self, **observed: float) -> None:
        """A request was answered; ``observed`` are its lengths in tokens and times in seconds."""
        self._counters["tgi_request_success"] += 1
        for name, value in observed.items():
            seen = self._observed[f"tgi_request_{name}"]
            seen[0] += 1
            seen[1] += value

    def render(self, load: Load) -> str:
        """All counters, and the engine's load, in Prometheus' text format."""
        lines = []
        for name, value in (("tgi_queue_size", load.waiting), ("tgi_batch_current_size", load.processing)):
            lines += [f"# TYPE {name} gauge", f"{name} {value}"]
        for name, count in self._counters.items():
            lines += [f"# TYPE {name} counter", f"{name} {count}"]
        lines.append("# TYPE tgi_request_failure counter")
        lines += [f'tgi_request_failure{{err="{kind}"}} {n}' for kind, n in sorted(self._failures.items())]
        for name, (number, total) in sorted(self._observed.items()):
            lines += [
                f"# TYPE {name} histogram",
                f'{name}_bucket{{le="+Inf"}} {number}',
                f"{name}_sum {total:g}",
                f"{name}_count {number}",
            ]
        return "\n".join(lines) + "\n"
