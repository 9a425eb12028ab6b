"""A run of continual pre-training, from its recipe to a model in `models/`.

The same command goes on where a killed one stopped. Nothing that exists is overwritten.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from builders.errors import UserError
from builders.journal.lock import build_lock
from harness.pretrain.adapters import with_adapters
from harness.pretrain.base import load_model
from harness.pretrain.checkpoints import latest, sweep
from harness.pretrain.collate import Collate
from harness.pretrain.curves import Curves
from harness.pretrain.estimate import check_memory
from harness.pretrain.finish import DRAFT, record_of, save
from harness.pretrain.places import CHECKPOINTS, CURVES, already, claim, finished_record, unfinished
from harness.pretrain.planning import Plan, Request, plan, processes
from harness.pretrain.progress import TrainingProgress
from harness.pretrain.tracking import Tracker
from harness.pretrain.trainer import Training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.pretrain.records import RunRecord


def pretrain(request: Request) -> RunRecord:
    """Train, or go on training, and leave the model in its folder.

    Raises:
        UserError: what the user can mend; nothing is overwritten.
    """
    with ExitStack() as stack:
        main = bool(processes().is_main_process)
        place = unfinished(request.output)
        finished = finished_record(request.output)
        if main and finished is None:
            stack.enter_context(build_lock(place))
        planned = plan(request, say=_say(main))
        identity = planned.identity
        if finished is not None:
            return already(finished, identity, request.output)
        if planned.recipe.fsdp and not planned.device.gpu:
            raise UserError("fsdp shards over GPUs and there is none here: leave the field fsdp out")
        if not request.ignore_memory:
            check_memory(planned.estimate, planned.device, planned.recipe)
        claim(place, identity, write=main)
        return _run(planned, request, place, stack, main=main)


def _run(planned: Plan, request: Request, place: Path, stack: ExitStack, *, main: bool) -> RunRecord:
    import torch

    recipe, blocks, device = planned.recipe, planned.blocks, planned.device
    identity = planned.identity.fingerprint
    progress = TrainingProgress(
        steps=planned.steps,
        flops=planned.estimate.flops,
        peak=device.peak * device.count if device.peak else None,
        quiet=not main,
    )
    tracker = Tracker.start(request.output.name, recipe, wanted=request.track and main)
    stack.callback(tracker.finish)
    for line in blocks.mixture.warnings:
        progress.say(line)
    if planned.base.stand_in:
        progress.say(f"a small model stands in for a real base: {planned.base.name}")
    folder = place / CHECKPOINTS
    if main:
        folder.mkdir(exist_ok=True)
        sweep(folder)
    checkpoint = latest(folder, identity, progress.say)
    step = checkpoint.manifest.step if checkpoint else -1
    if checkpoint:
        progress.say(f"going on after step {step} of {planned.steps}")
    curves = Curves(place / CURVES, step=step, write=main)
    stack.callback(curves.close)
    model = _model(planned)

    def stepped(line: Any) -> None:
        progress.stepped(line)
        tracker.log(line.step, {"loss": line.loss, "learning_rate": line.rate, "tokens": line.tokens})

    def watched(line: Any) -> None:
        progress.watched(line, first=curves.watches[0])
        tracker.log(line.step, {f"bits_per_byte/{name}": value for name, value in line.bits_per_byte.items()})

    training = Training(
        recipe=recipe,
        model=model,
        blocks=blocks,
        collate=Collate(
            model.config, block_size=recipe.block_size, dtype=torch.bfloat16 if planned.bf16 else model.dtype
        ),
        slices=planned.slices,
        eos=planned.base.tokenizer.eos_token_id,
        folder=folder,
        curves=curves,
        run=identity,
        bf16=planned.bf16,
        use_cpu=not device.gpu,
        on_step=stepped,
        on_watch=watched,
    )
    with progress:
        trainer = training.train(checkpoint)
    if training.stopped:
        progress.say(f"stopped after step {curves.steps[-1].step} of {planned.steps}: {training.stopped}")
    record = record_of(planned, training, name=request.output.name)
    save(planned, training, trainer, record, place, main=main)
    if main:
        (place / DRAFT).rename(request.output)
        shutil.rmtree(place, ignore_errors=True)
        progress.say(f"{request.output}: trained on {record.tokens:,} tokens")
    return record


def _model(planned: Plan) -> Any:
    """The base's weights in the precision of the method, with adapters where it has them.

    What is trained is kept in float32: a bfloat16 weight has 8 bits, and would not feel a step of 1e-5.
    """
    import torch
    from transformers import set_seed

    recipe = planned.recipe
    dtype = torch.bfloat16 if planned.bf16 and recipe.method != "full" else torch.float32
    model = load_model(planned.base, dtype=dtype, quantised=recipe.method == "qlora")
    if recipe.method != "full":
        set_seed(recipe.seed)  # adapters begin with random values
        model = with_adapters(model, recipe)
    if recipe.gradient_checkpointing and not recipe.fsdp:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model


def _say(main: bool) -> Callable[[str], None]:
    import click

    return lambda line: click.echo(line, err=True) if main else None
