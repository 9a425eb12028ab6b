"""The dataset card: everything that the facts of a build say, for a reader and for the Hub."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from builders.dataset.rows import (
    ChatMessage,
    DocumentRow,
    EvolutionStep,
    InstructionRow,
    TraceRow,
    row_type,
)
from builders.dataset.untrusted import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Template
    from pydantic import BaseModel

    from builders.dataset.contamination import Contamination
    from builders.dataset.rows import BuildFacts, Figure, GrowthFacts

TITLES = {"biomed": "Biomedicine", "finance": "Finance"}
TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    list[str]: "list of strings",
    int | None: "integer or null",
    float | None: "number or null",
    list[ChatMessage]: "list of {role, content}",
    list[EvolutionStep]: "list of {expert, told, result}",
}
COLUMNS = {
    DocumentRow: {
        "id": "`NAME-TRAJECTORY-STEP`, unique and stable",
        "text": "the document",
        "domain": "the field that it is about",
        "method": "how it was asked for: `metasynth` or `template`",
        "genre": "the kind of text that was asked for",
        "persona": "the profession that its writer was given",
        "keywords": "the seed keywords that it was written from",
        "summary": "the short summary that later documents were compared with",
        "trajectory": "number of the conversation that it comes from, from 0",
        "step": "its number within the trajectory, from 1",
        "n_words": "whitespace-separated words of `text`",
        "n_tokens": "tokens of `text`, by the tokenizer that the counts name",
        "model_id": "the model that wrote it",
        "model_sha": "revision of that model",
        "seed_id": "the real document that it started from; empty for keyword seeds",
        "seed_sha256": "of that document's text, which is not part of this corpus",
        "seed_topic": "its topic, as an expert labelled it",
        "seed_overlap": "share of the 8-grams of `text` that occur in the seed document",
        "grounding": "share of the audited facts of `text` that occur in the seed document",
        "unsupported": "the audited facts that do not, as `kind: fact`",
    },
    InstructionRow: {
        "id": "`NAME-TRAJECTORY-STEP`, unique and stable",
        "instruction": "the question or task; it stands without the document",
        "response": "its answer, from the document",
        "messages": "both as a chat of two turns, `user` and `assistant`, as trainers read it",
        "document_id": "`id` of the document in its own corpus",
        "evolution": "the steps from the document to the instruction: who took each, what the meta-LM told "
        "that expert, and what came of it",
        "domain": "the field that it is about",
        "method": "how it was asked for: `instruct`",
        "genre": "the kind of text that the document is",
        "persona": "who asks, where that was settled",
        "keywords": "the keywords of the document",
        "summary": "empty",
        "trajectory": "number of the conversation that it comes from, from 0",
        "step": "its number within the trajectory, from 1",
        "n_words": "whitespace-separated words of `instruction` and `response`",
        "n_tokens": "tokens of both, by the tokenizer that the counts name",
        "model_id": "the model that answered it",
        "model_sha": "revision of that model",
    },
    TraceRow: {
        "document_id": "`id` of the document that the call led to",
        "call": "number of the call within the document's trace, from 0",
        "parent": "the call of the meta-LM that asked for this one; null for its own and topics of seeds",
        "role": "`meta-LM`, or the name of the expert",
        "instruction": "what was new to the model in this call",
        "output": "what the model answered",
        "sampling": "JSON of the sampling parameters, seed included",
        "prompt_tokens": "tokens of the prompt, as the server counted them",
        "completion_tokens": "tokens of the answer",
        "latency_s": "seconds from request to answer",
        "model_id": "the model that answered",
        "model_sha": "revision of that model",
    },
}


def dataset_card(facts: BuildFacts, *, fingerprint: str, contamination: Contamination | None = None) -> str:
    """Render `README.md`: the Hub's YAML header and the body. A pure function of its arguments.

    Args:
        facts: every figure on the card.
        fingerprint: hash of the shards. `datasets` 5.2 caches a local dataset under a hash of
            its header alone (not of the files' times), so without it a corpus that was built
            anew would be loaded as it was before.
        contamination: what a check for test items found in these documents; None where there was none.
    """
    return f"---\n{_header(facts, fingerprint)}\n---\n\n{_body(facts, contamination)}\n"


def _header(facts: BuildFacts, fingerprint: str) -> str:
    from huggingface_hub import DatasetCardData

    marks = [name for name, set_ in (("stand-in", facts.stand_in), ("simulated", facts.simulated)) if set_]
    data = DatasetCardData(
        license=facts.license,
        language=["en"],
        task_categories=["text-generation", *(["question-answering"] if facts.method == "instruct" else [])],
        size_categories=[size_category(facts.documents)],
        pretty_name=facts.name,
        tags=list(dict.fromkeys(["synthetic", "metasynth", facts.domain, facts.method, *marks])),
        configs=[
            _configuration("default", "data/train-*", words=f"{_what(facts).capitalize()} ({fingerprint})"),
            _configuration("traces", "traces/train-*", words=f"Calls behind them ({fingerprint})"),
        ],
    )
    return str(data.to_yaml()).strip()


def _what(facts: BuildFacts) -> str:
    return "instructions" if facts.method == "instruct" else "documents"


def _configuration(name: str, path: str, *, words: str) -> dict[str, Any]:
    return {"config_name": name, "description": words, "data_files": [{"split": "train", "path": path}]}


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows, from `n<1K` to `n>1T`."""
    steps = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    reached = sum(rows >= 10 ** (3 + step) for step in range(len(steps)))
    if reached == 0:
        return f"n<{steps[0]}"
    if reached == len(steps):
        return f"n>{steps[-1]}"
    return f"{steps[reached - 1]}<n<{steps[reached]}"


def _body(facts: BuildFacts, contamination: Contamination | None) -> str:
    decoding = facts.settings.get("stand_in_decoding" if facts.stand_in else "decoding")
    return (
        _template()
        .render(
            facts=facts,
            checked=contamination,
            what=_what(facts),
            title=f"{facts.name}: synthetic {_what(facts)}, {TITLES.get(facts.domain, facts.domain)}",
            accepted=share(facts.documents, facts.attempts),
            rejections=sorted({*facts.dropped, *facts.redrafted}),
            columns={"default": _columns(row_type(facts.method)), "traces": _columns(TraceRow)},
            settings=list(_flat(facts.settings)),
            growth=_growth(facts.growth) if facts.growth else [],
            menus=isinstance(decoding, dict) and bool(decoding.get("menus")),
        )
        .strip()
    )


def _growth(growth: GrowthFacts) -> list[list[str]]:
    """A table of metrics over the stages: the heading, then the rows."""
    metrics = sorted({name for stage in growth.stages for name in stage.values})
    rows = [
        [f"{stage.documents:,}", *(_value(stage.values.get(name)) for name in metrics)]
        for stage in growth.stages
    ]
    return [metrics, *rows]


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def share(part: int, whole: int) -> str:
    """A share in per cent with one decimal; a dash where there is no whole."""
    return f"{part / whole:.1%}" if whole else "-"


def figure(found: Figure) -> str:
    """A value and its interval with four decimals; a dash for what there is not."""
    interval = "-" if found.low is None else f"{found.low:.4f}, {found.high:.4f}"
    return f"{_value(found.value)} [{interval}]"


def _columns(row: type[BaseModel]) -> list[tuple[str, str, str]]:
    """Name, type and meaning of every field; a field without a meaning is a bug."""
    return [
        (name, TYPES[field.annotation], COLUMNS[row][name])  # type: ignore[index]
        for name, field in row.model_fields.items()
    ]


def _flat(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings as `outer.inner` and their value, as JSON where it is not plain text."""
    for key, value in sorted(settings.items()):
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    environment.filters |= {
        "md": markdown,
        "share": "{:.3%}".format,
        "n": "{:,}".format,
        "json": json.dumps,
        "figure": figure,
    }
    return environment.from_string(files(__package__).joinpath("card.md").read_text("utf-8"))
