"""Ablation: the same budget spent by several methods, and how diverse what they wrote is."""

from __future__ import annotations

from builders.ablation.methods import METHODS, method_corpora
from builders.ablation.prefix import prefix_within
from builders.ablation.record import Ablation, Spent
from builders.ablation.table import ablation_page

__all__ = ["METHODS", "Ablation", "Spent", "ablation_page", "method_corpora", "prefix_within"]
