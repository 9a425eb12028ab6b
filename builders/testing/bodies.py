"""The bodies of a simulated endpoint's answers, in TGI's shapes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from builders import __version__
from builders.endpoints.probe import SIMULATED_ROUTER
from builders.testing.questions import CHARACTERS_PER_TOKEN, count_tokens

if TYPE_CHECKING:
    from builders.testing.log import Counts
    from builders.testing.permits import Permits
    from builders.testing.questions import Question


def cut(text: str, *, tokens: int) -> tuple[str, str]:
    """A text cut to so many tokens, and the finish reason."""
    if count_tokens(text) <= tokens:
        return text, "stop"
    return text[: tokens * CHARACTERS_PER_TOKEN], "length"


def completion(text: str, question: Question, *, finish_reason: str, model_id: str) -> bytes:
    """TGI's `ChatCompletion`. `created` is zero, so that equal requests get equal bytes."""
    prompt, generated = question.prompt_tokens, count_tokens(text)
    return (
        f'{{"object":"chat.completion","id":"","created":0,"model":{json.dumps(model_id)},'
        f'"system_fingerprint":"{__version__}-{SIMULATED_ROUTER}","choices":[{{"index":0,"message":'
        f'{{"role":"assistant","content":{json.dumps(text)}}},"logprobs":null,'
        f'"finish_reason":"{finish_reason}"}}],"usage":{{"prompt_tokens":{prompt},'
        f'"completion_tokens":{generated},"total_tokens":{prompt + generated}}}}}'
    ).encode()


def info(*, model_id: str, model_sha: str, max_total_tokens: int, limit: int | None) -> dict[str, Any]:
    """TGI's `Info`; without `max_concurrent_requests` where no limit is told."""
    told: dict[str, Any] = {
        "model_id": model_id,
        "model_sha": model_sha,
        "model_pipeline_tag": "text-generation",
        "max_best_of": 1,
        "max_stop_sequences": 4,
        "max_input_tokens": max_total_tokens - 1,
        "max_total_tokens": max_total_tokens,
        "validation_workers": 1,
        "max_client_batch_size": 1,
        "router": SIMULATED_ROUTER,
        "version": __version__,
        "sha": None,
        "docker_label": None,
    }
    return told if limit is None else told | {"max_concurrent_requests": limit}


def metrics(counts: Counts, permits: Permits) -> str:
    """The gauges and counters of `/metrics`, as Prometheus text."""
    values = {
        "tgi_queue_size": ("gauge", permits.waiting),
        "tgi_batch_current_size": ("gauge", permits.held),
        "tgi_request_count": ("counter", counts.requests),
        "tgi_request_success": ("counter", counts.answered),
    }
    lines = []
    for name, (kind, value) in values.items():
        lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
    lines.append("# TYPE tgi_request_failure counter")
    failures = counts.faults + Counter({"overloaded": counts.refused, "validation": counts.invalid})
    lines += [f'tgi_request_failure{{err="{kind}"}} {n}' for kind, n in sorted(failures.items()) if n]
    return "\n".join(lines) + "\n"
