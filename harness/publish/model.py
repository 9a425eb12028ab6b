"""The model repository: weights or adapter, the records of the run, the comparison, and a card of them."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from builders.dataset.untrusted import markdown
from builders.errors import UserError
from harness.compare.figure import figure
from harness.pretrain.ledger import Ledger
from harness.pretrain.records import RUN, RunRecord
from harness.publish.entrants import LEDGER, RECIPE
from harness.publish.places import published
from harness.publish.publication import PUBLICATION
from harness.publish.scores import eval_results, model_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builders.hub.difference import Content
    from harness.compare.records import IntervalRecord, Report
    from harness.publish.entrants import Material
    from harness.publish.publication import PublicationRecord

COMPARISON, CHANGE, CURVES = "comparison.json", "change.svg", "curves.svg"
PUBLISHED = (".safetensors", ".json", ".jsonl", ".yaml", ".svg", ".model", ".txt", ".jinja")
"""Endings of files that go along; a pickle never does."""

OWNED = (".eval_results/*.yaml",)
ADAPTER_SETTINGS = "adapter_config.json"


def model_files(found: Material, told: PublicationRecord) -> dict[str, Content]:
    """Every file of the model repository.

    Raises:
        UserError: there are no weights, or none in safetensors.
    """
    made: dict[str, Content] = {}
    for path in sorted(found.folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.suffix in PUBLISHED:
            made[path.name] = published(path)
    if not any(name.endswith(".safetensors") for name in made):
        raise UserError(f"{found.folder} holds no weights (*.safetensors): is the model whole?")
    if found.is_adapter and found.base_id:
        made[ADAPTER_SETTINGS] = _adapter_settings(found)
    made[PUBLICATION] = (told.model_dump_json(indent=2) + "\n").encode()
    made[COMPARISON] = (found.report.model_dump_json(indent=2) + "\n").encode()
    made[CHANGE] = figure(found.report).encode()
    made |= eval_results(told, found.report)
    run = RunRecord.model_validate_json(_text(made[RUN]))
    made[CURVES] = _text(made[CURVES]).replace(escape(found.run.base), escape(run.base)).encode()
    made["README.md"] = model_card(
        told,
        report=found.report,
        run=run,
        ledger=Ledger.model_validate_json(_text(made[LEDGER])),
        recipe=yaml.safe_load(_text(made[RECIPE])),
    ).encode()
    return made


def _text(content: Content) -> str:
    return content.decode() if isinstance(content, bytes) else content.read_text("utf-8")


def _adapter_settings(found: Material) -> bytes:
    """With the base's Hub id, so that whoever downloads the adapter finds its base."""
    settings = json.loads((found.folder / ADAPTER_SETTINGS).read_text("utf-8"))
    settings["base_model_name_or_path"] = found.base_id
    return (json.dumps(settings, indent=2, sort_keys=True) + "\n").encode()


def model_card(
    told: PublicationRecord, *, report: Report, run: RunRecord, ledger: Ledger, recipe: Mapping[str, Any]
) -> str:
    """The card; a pure function of the records that lie beside it.

    Args:
        told: `publication.json`.
        report: `comparison.json`.
        run, ledger, recipe: `run.json`, `ledger.json` and `recipe.yaml`.
    """
    from huggingface_hub import ModelCardData
    from jinja2 import Environment, StrictUndefined

    scores = model_index(told, report)
    data = ModelCardData(
        base_model=told.base_id,
        base_model_relation=("adapter" if told.adapter else "finetune") if told.base_id else None,
        datasets=list(told.datasets) or None,
        license=told.license,
        language="en",
        library_name="peft" if told.adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["continual-pre-training", "metasynth", *(["stand-in"] if run.stand_in else [])],
        model_name=told.repo_id.partition("/")[2] if scores else None,
        eval_results=scores or None,
    )
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "md": markdown,
        "percent": lambda score: f"{100 * score:.2f}",
        "points": lambda change: f"{100 * change:+.2f}",
        "ends": _ends,
        "n": "{:,}".format,
        "p": lambda value: "< 0.001" if value < 0.001 else f"{value:.3f}",
    }
    template = environment.from_string(files(__package__).joinpath("model_card.md").read_text("utf-8"))
    return template.render(
        front_matter=str(data.to_yaml()).strip(),
        told=told,
        run=run,
        ledger=ledger,
        recipe=[(name, value) for name, value in recipe.items() if value not in (None, [], {}, "")],
        report=report,
    )


def _ends(interval: IntervalRecord | None) -> str:
    return f"[{100 * interval.low:+.2f}, {100 * interval.high:+.2f}]" if interval else "-"
