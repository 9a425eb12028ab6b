"""Document seeds: real texts of a domain in an index, each a place where documents can start from."""

from __future__ import annotations

from builders.seeds.documents.hashing import HashingEmbedder
from builders.seeds.documents.index import IndexFacts, SeedDocument, SeedIndex
from builders.seeds.documents.indexing import Embedder, build_index
from builders.seeds.documents.phrases import key_phrases
from builders.seeds.documents.screen import Screen
from builders.seeds.documents.source import SeedSource, SourceText, open_source

__all__ = [
    "Embedder",
    "HashingEmbedder",
    "IndexFacts",
    "Screen",
    "SeedDocument",
    "SeedIndex",
    "SeedSource",
    "SourceText",
    "build_index",
    "key_phrases",
    "open_source",
]
