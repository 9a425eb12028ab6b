"""Financial documents written by experts that a meta-LM directs, from keyword seeds."""

from __future__ import annotations

from builders.corpora.base import Corpus

CORPUS = Corpus(
    name="metasynth-finance",
    domain="finance",
    method="metasynth",
    description="Financial documents written by expert agents that a meta-LM directs",
)
