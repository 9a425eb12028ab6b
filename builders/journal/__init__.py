"""The durable record of a build: every answered call, every decision."""

from __future__ import annotations

from builders.journal.journal import Journal, call_key
from builders.journal.lock import build_lock
from builders.journal.recorder import DrainingError, Recorder

__all__ = ["DrainingError", "Journal", "Recorder", "build_lock", "call_key"]
