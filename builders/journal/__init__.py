"""The durable record of a build: every answered call, every decision, everything spent."""

from __future__ import annotations

from builders.journal.journal import Journal, call_key
from builders.journal.lock import build_lock
from builders.journal.purse import Budget, BudgetSpentError, Price, Purse
from builders.journal.recorder import DrainingError, Recorder, model_name

__all__ = [
    "Budget",
    "BudgetSpentError",
    "DrainingError",
    "Journal",
    "Price",
    "Purse",
    "Recorder",
    "build_lock",
    "call_key",
    "model_name",
]
