"""A finished corpus as a Hugging Face dataset repository: rows, shards, card."""

from __future__ import annotations
