"""Test utilities for whoever builds on this package; they need no pytest.

`simulated_endpoint` is a real HTTP server on loopback that looks like Text Generation Inference
and has no model behind it. What it says, how long it takes and how it fails is set by a
`Simulation`, and is a function of seeds and requests alone. See `docs/simulate.md`.
"""

from __future__ import annotations

from builders.testing.log import Counts, RequestLog
from builders.testing.questions import request_digest
from builders.testing.server import SimulatedEndpoint, simulated_endpoint
from builders.testing.simulation import Fault, FaultKind, Latency, Simulation

__all__ = [
    "Counts",
    "Fault",
    "FaultKind",
    "Latency",
    "RequestLog",
    "SimulatedEndpoint",
    "Simulation",
    "request_digest",
    "simulated_endpoint",
]
