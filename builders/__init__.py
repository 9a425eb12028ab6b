"""Build diverse synthetic corpora with a meta-LM that directs expert LLM agents."""

from __future__ import annotations

__version__ = "0.1.0"
