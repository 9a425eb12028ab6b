"""Whether what is told is what is stored: every figure of cards and pages, made anew from the records."""

from __future__ import annotations

from harness.verify.run import Verified, verify

__all__ = ["Verified", "verify"]
