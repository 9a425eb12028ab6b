"""Where a trajectory starts: the seeds that its documents grow from."""

from __future__ import annotations

from builders.seeds.keywords import (
    SeedHierarchy,
    SeedSet,
    Subfield,
    draw_seeds,
    known_domains,
    load_hierarchy,
)

__all__ = ["SeedHierarchy", "SeedSet", "Subfield", "draw_seeds", "known_domains", "load_hierarchy"]
