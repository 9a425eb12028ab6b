"""What the method is compared with: documents written from one fixed prompt template."""

from __future__ import annotations

from builders.baselines.exemplars import load_exemplars
from builders.baselines.template import Template

__all__ = ["Template", "load_exemplars"]
