from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from builders.acceptance import Candidate, Chatter, Check, Degenerate, English, PromptLeak, Refusal

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "domain_text"
SOURCES = ["finance/reuters21578", "biomed/pubmedqa_abstracts", "general/wikipedia_boolq"]
CHECKS = [Refusal(), Chatter(), PromptLeak(), Degenerate(), English()]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_fewer_than_one_in_a_hundred_real_documents_are_rejected(check: Check, source: str) -> None:
    path = DATA / f"{source}.jsonl.gz"
    if not path.exists():
        pytest.skip("the shared domain text is not on this machine")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line, _ in zip(lines, range(300), strict=False)]
    assert sum(check(Candidate(text)) is not None for text in texts) < len(texts) / 100
