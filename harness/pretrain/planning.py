"""A run before its weights are loaded: what was asked for, and all that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builders.errors import UserError
from harness.pretrain.base import Base, find_base
from harness.pretrain.devices import Device, this_device
from harness.pretrain.estimate import Estimate, Size, estimate, measure_size
from harness.pretrain.places import WORK, unfinished
from harness.pretrain.prepare import check_block_size, prepare
from harness.pretrain.records import Identity
from harness.pretrain.sources import Source, parse_source, parse_sources
from harness.pretrain.watching import outside_slices, source_slices, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.pretrain.blocks import Blocks
    from harness.pretrain.monitor import Slice
    from harness.pretrain.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for.

    Attributes:
        recipe: all settings.
        output: folder of the model to be.
        text_column: of the sources, where they hold documents.
        track: log to trackio as well.
        ignore_memory: begin even if the estimate says that it does not fit.
    """

    recipe: Recipe
    output: Path
    text_column: str = "text"
    track: bool = False
    ignore_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run before its weights are loaded.

    Attributes:
        recipe: with its sources and its learning rate spelt out.
        base: whose weights it begins with.
        device: what it runs on.
        bf16: compute in bfloat16.
        blocks: the stream.
        slices: what the monitor measures.
        size: numbers of parameters.
        estimate: what it will take.
    """

    recipe: Recipe
    base: Base
    device: Device
    bf16: bool
    blocks: Blocks
    slices: list[Slice]
    size: Size
    estimate: Estimate

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return -(-len(self.blocks) // self.recipe.batch)

    @property
    def identity(self) -> Identity:
        """What makes another run the same."""
        return Identity(
            recipe=self.recipe.learned_settings(),
            base=self.base.name,
            base_settings=self.base.settings_hash,
            data=self.blocks.fingerprint,
            devices=self.device.count,
        )


def plan(request: Request, *, say: Callable[[str], None]) -> Plan:
    """Resolve everything and pack the data; no weight is loaded.

    Raises:
        UserError: something does not fit together.
    """
    recipe, device = request.recipe, this_device()
    sources = _sources(recipe)
    recipe = recipe.model_copy(
        update={
            "data": recipe.sources(),
            "mix": None,
            "mixes": {},
            "learning_rate": recipe.rate,
        }
    )
    if recipe.batch % (recipe.micro_batch * device.count):
        raise UserError(
            f"batch {recipe.batch} cannot be shared by {device.count} devices with micro_batch "
            f"{recipe.micro_batch}: let batch be a multiple of {recipe.micro_batch * device.count}"
        )
    base = find_base(recipe.base)
    check_block_size(recipe.block_size, base.config)
    outside = outside_slices(recipe, base.tokenizer, text_column=request.text_column)
    with processes().main_process_first():
        blocks = prepare(
            sources,
            tokenizer=base.tokenizer,
            work=unfinished(request.output) / WORK,
            block_size=recipe.block_size,
            budget=recipe.tokens,
            seed=recipe.seed,
            held_out=recipe.watch.held_out,
            exclude=frozenset().union(*(one.keys for one in outside)),
            text_column=request.text_column,
        )
    size = measure_size(base.config, recipe)
    bf16 = recipe.precision == "bf16" or (recipe.precision == "auto" and device.bf16)
    return Plan(
        recipe=recipe,
        base=base,
        device=device,
        bf16=bf16,
        blocks=blocks,
        slices=told_apart([*source_slices(recipe, blocks, base.tokenizer, say=say), *outside]),
        size=size,
        estimate=estimate(recipe, base.config, size, device, tokens=blocks.tokens, bf16=bf16),
    )


def processes() -> Any:
    """Those that `torchrun` started, or this one alone."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())


def _sources(recipe: Recipe) -> tuple[Source, ...]:
    """The sources, and general text for replay with the weight that gives it its share of all tokens."""
    sources = parse_sources(recipe.sources())
    if recipe.replay is None:
        return sources
    replay = parse_source(recipe.replay)
    if not replay.weight < 1:
        raise UserError(
            f"--replay {recipe.replay}: give CORPUS:SHARE, its share of all tokens between 0 and 1, as in "
            "general.jsonl:0.2"
        )
    others = sum(source.weight for source in sources)
    return (*sources, Source(replay.place, others * replay.weight / (1 - replay.weight)))
