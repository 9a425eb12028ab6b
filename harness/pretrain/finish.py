"""The end of a run: its record, and the model's folder with all that belongs to it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import yaml

from harness.pretrain.card import model_card
from harness.pretrain.chart import chart
from harness.pretrain.ledger import ledger_of
from harness.pretrain.places import CURVES
from harness.pretrain.records import RUN, RunRecord, environment

if TYPE_CHECKING:
    from pathlib import Path

    from harness.pretrain.planning import Plan
    from harness.pretrain.trainer import Training

DRAFT = "finished"
"""The model's folder while it is written."""


def record_of(planned: Plan, training: Training, *, name: str) -> RunRecord:
    """How the run went, of a training that has ended."""
    steps, watches = training.curves.steps, training.curves.watches
    first = steps[: max(len(steps) // 10, 1)]
    last = steps[-max(len(steps) // 10, 1) :]
    flops = planned.estimate.flops * steps[-1].tokens
    seconds = steps[-1].seconds
    peak = planned.device.peak
    return RunRecord(
        name=name,
        fingerprint=planned.identity.fingerprint,
        base=planned.base.name,
        base_place=planned.base.place,
        stand_in=planned.base.name if planned.base.stand_in else None,
        method=planned.recipe.method,
        parameters=planned.size.all,
        trained_parameters=planned.size.trained,
        steps=steps[-1].step,
        tokens=steps[-1].tokens,
        stream=steps[-1].stream,
        first_loss=sum(line.loss for line in first) / len(first),
        last_loss=sum(line.loss for line in last) / len(last),
        before=watches[0].bits_per_byte if watches else {},
        after=watches[-1].bits_per_byte if watches else {},
        roles={one.name: one.role for one in planned.slices},
        stopped=training.stopped,
        seconds=seconds,
        flops=flops,
        utilisation=flops / seconds / (peak * planned.device.count) if peak else None,
    )


def save(
    planned: Plan, training: Training, trainer: Any, record: RunRecord, place: Path, *, main: bool
) -> None:
    """Write the finished model beside the run; weights in the precision of the base."""
    draft = place / DRAFT
    if main:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped) if planned.recipe.fsdp else None
    if not main:
        return
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
    dtype = planned.base.config.dtype
    if planned.recipe.method == "full" and dtype is not None:
        state = {key: value.to(dtype) for key, value in (state or model.state_dict()).items()}
    model.save_pretrained(draft, state_dict=state)
    (draft / "README.md").unlink(missing_ok=True)  # peft's own draft
    planned.base.tokenizer.save_pretrained(draft)
    found, ledger = environment(planned.device), ledger_of(planned.blocks, seen=training.position)
    written = {
        "recipe.yaml": yaml.safe_dump(planned.recipe.model_dump(mode="json"), sort_keys=False),
        RUN: record.model_dump_json(indent=2) + "\n",
        "environment.json": found.model_dump_json(indent=2) + "\n",
        "ledger.json": ledger.model_dump_json(indent=2) + "\n",
        "curves.svg": chart(
            training.curves.steps, training.curves.watches, record.roles, title=_title(record)
        ),
        "README.md": model_card(record, recipe=planned.recipe, ledger=ledger, environment=found),
    }
    for name, text in written.items():
        (draft / name).write_text(text, encoding="utf-8")
    shutil.copyfile(place / CURVES, draft / CURVES)


def _title(record: RunRecord) -> str:
    return f"{record.name}: {record.method} on {record.base}"
