"""Steering: a build measures its own diversity while it runs, and tells the meta-LM what it found.

The paper conditions each document on the earlier ones of its trajectory; what other trajectories wrote,
nobody knows. Here the accepted documents of all settled trajectories are counted, and each new
trajectory gets :class:`Guidance` made of these counts. All of this is ours, not the paper's; without
steering a build is the paper's method.
"""

from __future__ import annotations

from builders.steering.guidance import Guidance, Overused
from builders.steering.pilot import Pilot
from builders.steering.watch import STOCK_OPENING, Watch

__all__ = ["STOCK_OPENING", "Guidance", "Overused", "Pilot", "Watch"]
