"""The folders of a run, and whose they are.

models/NAME.unfinished/    while it runs: identity.json, work/ (tokens), checkpoints/, curves.jsonl
models/NAME/               when it is done, and not before: weights, tokenizer, recipe.yaml, run.json,
                           environment.json, ledger.json, curves.jsonl, curves.svg, README.md
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pydantic import ValidationError

from builders.errors import UserError
from harness.pretrain.records import RUN, Identity, RunRecord

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY, WORK, CHECKPOINTS, CURVES = "identity.json", "work", "checkpoints", "curves.jsonl"


def unfinished(output: Path) -> Path:
    """Where a run is until it is done."""
    return output.with_name(f"{output.name}.unfinished")


def claim(place: Path, identity: Identity, *, write: bool) -> None:
    """Make the folder this run's.

    Raises:
        UserError: it is another's.
    """
    path = place / IDENTITY
    if path.exists():
        try:
            other = Identity.model_validate_json(path.read_bytes())
        except ValidationError:
            raise UserError(
                f"{path} cannot be read: remove {place} to begin anew, or choose another --output"
            ) from None
        difference = identity.difference(other)
        if difference:
            raise UserError(
                f"{place} holds an unfinished run of another recipe ({difference}): give the same again, "
                "choose another --output, or remove that folder to begin anew"
            )
    elif write:
        place.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{IDENTITY}.part")
        part.write_text(identity.model_dump_json(indent=2) + "\n", encoding="utf-8")
        part.replace(path)


def finished_record(output: Path) -> RunRecord | None:
    """The record of the model that is already there; None where there is none.

    Raises:
        UserError: something else is there.
    """
    if not output.exists():
        return None
    try:
        return RunRecord.model_validate_json((output / RUN).read_bytes())
    except (OSError, ValidationError):
        raise UserError(
            f"{output} exists and is no model of `harness pretrain`: choose another --output"
        ) from None


def already(record: RunRecord, identity: Identity, output: Path) -> RunRecord:
    """The record of the model that is there already, if it is the one that is asked for.

    Raises:
        UserError: it is another.
    """
    shutil.rmtree(unfinished(output), ignore_errors=True)
    if record.fingerprint != identity.fingerprint:
        raise UserError(
            f"{output} holds a finished model of another recipe, base or data: choose another --output"
        )
    return record
