"""Texts wherever they lie: in files of several kinds, and on the Hub."""

from __future__ import annotations
