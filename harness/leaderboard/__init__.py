"""Models of a results dataset, ranked task by task and domain by domain, with ties where nothing is shown."""

from __future__ import annotations
