"""The commands of `builders`, one file each, imported only when called."""

from __future__ import annotations
