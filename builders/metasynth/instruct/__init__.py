"""MetaSynth-Instruct: a meta-LM evolves the documents of a built corpus into instructions with responses."""

from __future__ import annotations

from builders.metasynth.instruct.conductor import InstructConductor
from builders.metasynth.instruct.documents import Documents, SourceDocument, read_documents

__all__ = ["Documents", "InstructConductor", "SourceDocument", "read_documents"]
