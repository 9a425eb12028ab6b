"""Financial documents written from a fixed template: the baseline to compare with."""

from __future__ import annotations

from builders.corpora.base import Corpus

CORPUS = Corpus(
    name="template-finance",
    domain="finance",
    method="template",
    description="Financial documents written from a fixed prompt template, the baseline",
    previous_documents=2,
)
