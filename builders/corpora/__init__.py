"""The corpora: one short script each, and the model that all of them fill in."""

from __future__ import annotations

from builders.corpora.base import Corpus, Decoding, Exemplars, Instruct, SeedDocuments

__all__ = ["Corpus", "Decoding", "Exemplars", "Instruct", "SeedDocuments"]
