"""Real documents pass the acceptance checks, and the checks are cheap.

Promise: on every source of clean prose each check turns down fewer than 1 in 100 real
documents, and all checks together take less than 2 ms of CPU a document. Exits 1 when missed.

    METASYNTH_DATA=FOLDER python benchmarks/acceptance_real_text.py [--show CHECK]

`FOLDER/domain_text` holds ``*/NAME.jsonl.gz`` files with a ``text`` in each line. Every document is judged
against a prompt of its own, in the style of an expert call: instructions, five of the
document's own words as keywords, and another document of the same source as the exemplar. That
makes the leak check as suspicious, and as dear (no prompt is ever seen twice), as it gets.
Length is not judged. Ends are, but the promise covers them only where the source holds whole
documents (news tickers and encyclopaedia paragraphs do not; abstracts that PubMed cut say so and
are left out). Sources full of boilerplate and lists are shown beside the clean ones and promise
nothing. The unit of time is splitting the document into normalised words, in the same run.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
import time
from pathlib import Path

from builders.acceptance import (
    Candidate,
    Chatter,
    Check,
    Degenerate,
    English,
    ExactDuplicates,
    PromptLeak,
    Refusal,
    Truncated,
)
from builders.acceptance.words import normalised_words

CLEAN = ("reuters21578", "pubmedqa_abstracts", "bc5cdr_abstracts", "ebmnlp_abstracts", "wikipedia_boolq")
TEMPLATED = ("medquad_answers", "c4")
WHOLE = {"pubmedqa_abstracts", "ebmnlp_abstracts", "bc5cdr_abstracts"}
CUT_BY_PUBMED = "(ABSTRACT TRUNCATED AT"
DOCUMENTS_PER_SOURCE = 1_000
MAX_REJECTED = 0.01
MAX_SECONDS = 0.002
INSTRUCTIONS = """You are Expert Writer. Write a document of at most 400 words for readers who know
the field. Use the keywords below, but do not list them. Be specific: name people, places and
figures. Do not open with a general remark, and differ from the documents written before.
Keywords: {keywords}
This is a document of the kind that is wanted:
{exemplar}"""


def main() -> None:
    """Judge every source, print the tables, exit 1 when a promise is missed."""
    arguments = parse_arguments()
    if "METASYNTH_DATA" not in os.environ:
        print("skipped: it needs real text; set METASYNTH_DATA to the folder that holds domain_text/")
        return
    data = Path(os.environ["METASYNTH_DATA"]) / "domain_text"
    English()(Candidate("The model loads before the clock starts."))
    worst, seconds, documents = 0.0, {"(reference)": 0.0}, 0
    for source in (*CLEAN, *TEMPLATED):
        candidates = load(data, source)
        shares = []
        for check in fresh_checks():
            took, rejected = judge(check, candidates, show=arguments.show)
            seconds[check.name] = seconds.get(check.name, 0.0) + took
            shares.append(f"{check.name} {rejected / len(candidates):.2%}")
            if source in CLEAN and (check.name != Truncated.name or source in WHOLE):
                worst = max(worst, rejected / len(candidates))
        seconds["(reference)"] += reference(candidates)
        documents += len(candidates)
        print(f"{source:20} {len(candidates):5} documents: {', '.join(shares)}")
    total = sum(took for name, took in seconds.items() if name != "(reference)") / documents
    for name, took in seconds.items():
        print(f"{name:12} {took / documents * 1e6:7.0f} us/document {took / seconds['(reference)']:6.1f}x")
    print(f"worst check on a clean source: {worst:.2%} rejected (promise: under {MAX_REJECTED:.0%})")
    print(f"all checks: {total * 1e3:.2f} ms/document (promise: under {MAX_SECONDS * 1e3:.0f} ms)")
    sys.exit(worst >= MAX_REJECTED or total >= MAX_SECONDS)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="False rejections and cost of the acceptance checks.")
    parser.add_argument("--show", metavar="CHECK", help="print what this check turns down")
    return parser.parse_args()


def fresh_checks() -> list[Check]:
    """List every check but length, with an empty memory of duplicates."""
    return [Refusal(), Truncated(), Chatter(), ExactDuplicates(), PromptLeak(), Degenerate(), English()]


def load(data: Path, source: str) -> list[Candidate]:
    """Sample a source, the same documents each time, and give each its prompt."""
    (path,) = data.glob(f"*/{source}.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [text for line in lines if CUT_BY_PUBMED not in (text := json.loads(line)["text"])]
    random.Random(0).shuffle(texts)
    texts = texts[:DOCUMENTS_PER_SOURCE]
    pairs = zip(texts, [*texts[1:], texts[0]], strict=True)
    return [Candidate(text, (prompt(text, exemplar),)) for text, exemplar in pairs]


def prompt(text: str, exemplar: str) -> str:
    """Write the instruction that might have led to a document."""
    words = sorted(set(normalised_words(text)), key=lambda word: (-len(word), word))
    return INSTRUCTIONS.format(keywords=", ".join(words[:5]), exemplar=exemplar)


def judge(check: Check, candidates: list[Candidate], *, show: str | None) -> tuple[float, int]:
    """Return the CPU seconds that a check took over the candidates, and how many it rejected."""
    verdicts = []
    start = time.process_time()
    for candidate in candidates:
        verdicts.append(check(candidate))
        if isinstance(check, ExactDuplicates):
            check.add(candidate.text)
    took = time.process_time() - start
    if show == check.name:
        for candidate, verdict in zip(candidates, verdicts, strict=True):
            if verdict:
                print(f"  {verdict.detail}\n    {candidate.text[:200]!r} ... {candidate.text[-100:]!r}")
    return took, sum(verdict is not None for verdict in verdicts)


def reference(candidates: list[Candidate]) -> float:
    """Return the CPU seconds that splitting the documents into normalised words takes."""
    start = time.process_time()
    for candidate in candidates:
        normalised_words(candidate.text)
    return time.process_time() - start


if __name__ == "__main__":
    main()
