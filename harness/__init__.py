"""Adapt a base model to a synthetic corpus and benchmark it against its base."""

from __future__ import annotations
