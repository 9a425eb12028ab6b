"""What a build will take, judged by its first trajectories."""

from __future__ import annotations

from builders.forecast.estimates import Estimates, Evidence, estimate
from builders.forecast.interval import LEVEL, METHOD
from builders.forecast.prices import paid
from builders.forecast.probe import Probe, Spend, Step, read_probes
from builders.forecast.records import EndpointPlan, Forecast, ProbeFacts, Range

__all__ = [
    "LEVEL",
    "METHOD",
    "EndpointPlan",
    "Estimates",
    "Evidence",
    "Forecast",
    "Probe",
    "ProbeFacts",
    "Range",
    "Spend",
    "Step",
    "estimate",
    "paid",
    "read_probes",
]
