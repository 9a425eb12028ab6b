"""What a server's `/metrics` tells of its queue, in the words of each server."""

from __future__ import annotations

import re
from dataclasses import dataclass

WAITING = (
    "tgi_queue_size",
    "vllm:num_requests_waiting",
    "sglang:num_queue_reqs",
    "llamacpp:requests_deferred",
)
PROCESSING = (
    "tgi_batch_current_size",
    "vllm:num_requests_running",
    "sglang:num_running_reqs",
    "llamacpp:requests_processing",
)
_SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{[^}]*\})?\s+([-+.\deE]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """Requests that wait in the server's queue, and requests that it generates for."""

    waiting: int
    processing: int


def read_load(metrics: str) -> ServerLoad | None:
    """Read a page in Prometheus' text format; None when it tells no queue.

    A gauge that comes once per model or replica is summed over them.
    """
    found: dict[str, float] = {}
    for name, value in _SAMPLE.findall(metrics):
        if name in WAITING or name in PROCESSING:
            try:
                found[name] = found.get(name, 0.0) + float(value)
            except ValueError:
                return None
    waiting = next((found[name] for name in WAITING if name in found), None)
    processing = next((found[name] for name in PROCESSING if name in found), None)
    if waiting is None or processing is None:
        return None
    return ServerLoad(waiting=round(waiting), processing=round(processing))
