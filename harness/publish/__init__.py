"""Results and model on the Hub, by its own conventions; every figure lies beside the card as JSON."""

from __future__ import annotations
