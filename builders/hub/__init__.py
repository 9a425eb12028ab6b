"""Repositories of the Hub: what differs from them, one atomic commit, and errors in one line."""

from __future__ import annotations
