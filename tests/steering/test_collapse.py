"""Promise of steering: a model with a tendency to collapse repeats itself half as often, at equal tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from collapsing_builds import built, compression

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
async def test_steering_halves_near_duplicates_and_stock_openings(tmp_path: Path, seed: int) -> None:
    paper = await built(tmp_path / "off", seed=seed, steering=False)
    steered = await built(tmp_path / "on", seed=seed, steering=True)
    off, on = compression(paper, steered)
    print(
        f"seed {seed}: {paper.tokens:,} and {steered.tokens:,} tokens; near-duplicates "
        f"{paper.near_duplicates:.1%} and {steered.near_duplicates:.1%}; stock openings "
        f"{paper.stock_openings:.1%} and {steered.stock_openings:.1%}; compression {off.value:.2f} "
        f"({off.interval}) and {on.value:.2f} ({on.interval})"
    )
    assert abs(paper.tokens - steered.tokens) <= 0.02 * paper.tokens
    assert steered.near_duplicates <= paper.near_duplicates / 2
    assert steered.stock_openings <= paper.stock_openings / 2
    assert off.interval is not None
    assert on.interval is not None
    assert on.interval.high < off.interval.low
