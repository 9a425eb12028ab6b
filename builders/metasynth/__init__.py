"""The method: a meta-LM directs experts who write documents together."""

from __future__ import annotations

from builders.metasynth.conductor import Conductor
from builders.metasynth.protocol_guided import GuidedProtocol
from builders.metasynth.protocol_text import TextProtocol

__all__ = ["Conductor", "GuidedProtocol", "TextProtocol"]
