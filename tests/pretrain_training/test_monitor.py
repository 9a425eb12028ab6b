"""Promises of the forgetting monitor: what it measures, never trains on, and when it stops a run."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
import torch
from tiny_runs import BLOCK, SETTINGS, curves, done, harness, texts, write_texts
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.pretrain.collate import Collate
from harness.pretrain.content import content_key
from harness.pretrain.curves import WatchLine
from harness.pretrain.monitor import Slice, bits_per_byte, make_slice, schedule, worsened
from harness.pretrain.prepare import prepare
from harness.pretrain.sources import Document, parse_sources

if TYPE_CHECKING:
    from pathlib import Path


def documents(seed: int, number: int) -> list[Document]:
    return [Document(text, content_key(text)) for text in texts(seed, number)]


def test_bits_per_byte_are_those_of_each_document_alone(tiny: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).train()
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    some = [*documents(5, 30), Document("caf\u00e9 \u65e5\u672c", 1)]
    made = make_slice("s", "source", some, tokenizer=tokenizer, block_size=BLOCK, tokens=10**6)
    assert made
    found = bits_per_byte(model, made, Collate(model.config, block_size=BLOCK), eos=tokenizer.eos_token_id)
    assert model.training
    model.eval()
    nats, size = 0.0, 0
    for document in some:
        ids = tokenizer(document.text, return_tensors="pt")["input_ids"][:, :BLOCK]
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        nats += float(cross_entropy(logits, ids[0, 1:], reduction="sum"))
        size += len(tokenizer.decode(ids[0, 1:]).encode())
    assert found == pytest.approx(nats / math.log(2) / size, rel=1e-5)


def test_a_slice_holds_no_document_twice_and_no_more_tokens_than_asked_for(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    made = make_slice("s", "general", documents(5, 30) * 2, tokenizer=tokenizer, block_size=BLOCK, tokens=300)
    assert made
    assert sum(len(block.input_ids) for block in made.blocks) <= 300
    assert sum(len(block.lengths) for block in made.blocks) == len(made.keys)
    assert make_slice("s", "source", [], tokenizer=tokenizer, block_size=BLOCK, tokens=300) is None


def test_what_is_watched_is_never_trained_on(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    from builders.diversity.corpus import read_corpus
    from harness.pretrain.planning import Request, plan
    from harness.pretrain.recipe import load_recipe

    watched = tmp_path / "watched.jsonl"
    watched.write_text(
        "".join(corpus.read_text().splitlines(keepends=True)[:40])
    )  # a part of what is trained on
    settings = {"data": (str(corpus),), "base": str(tiny), "block_size": BLOCK, "watch.domain": str(watched)}
    recipe = load_recipe((), settings | {"watch.held_out": 0.1, "watch.tokens": 600})
    planned = plan(Request(recipe=recipe, output=tmp_path / "out"), say=print)
    assert {one.role for one in planned.slices} == {"source", "domain"}
    trained = {int(key) for store in planned.blocks.mixture.stores for key in store.keys}
    held_out = set().union(*(one.keys for one in planned.slices))
    assert trained
    assert held_out
    assert not trained & held_out
    assert trained | held_out <= {content_key(text) for text in read_corpus(str(corpus)).texts}


def test_the_monitor_measures_before_training_evenly_and_at_the_end(uninterrupted: Path) -> None:
    measured = [line["step"] for line in curves(uninterrupted) if line["kind"] == "watch"]
    assert measured == [0, 7, 14, 21]
    assert schedule(3, 10) == {1, 2, 3}


def test_a_margin_stops_the_run_and_the_model_says_why(
    uninterrupted: Path, corpus: Path, tmp_path: Path
) -> None:
    """A model that knows the corpus forgets it over text of other letters."""
    other = write_texts(tmp_path / "other.jsonl", 9)
    rows = [{"text": text.swapcase()} for text in texts(9)]
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = tmp_path / "stopped"
    words = (
        "--data",
        other,
        "--base",
        uninterrupted,
        "--output",
        output,
        *SETTINGS,
        "--learning-rate",
        "1e-2",
    )
    watch = ("--watch-general", corpus, "--stop-margin", "0.05", "--set", "watch.times=10")
    told = done(harness("pretrain", *words, *watch)).stderr
    steps = [line["step"] for line in curves(output)]
    assert 0 < max(steps) < 21
    assert "stopped after step" in told
    assert "stopped before its budget: corpus.jsonl went from" in (output / "README.md").read_text()
    assert json.loads((output / "ledger.json").read_text())["tokens"] < 5000


def test_worse_by_less_than_the_margin_goes_on() -> None:
    general = Slice("g", "general", (), 1, frozenset())

    def lines(before: float, now: float) -> list[WatchLine]:
        return [WatchLine(step=0, bits_per_byte={"g": before}), WatchLine(step=1, bits_per_byte={"g": now})]

    assert worsened(lines(1.0, 1.019), [general], 0.02) is None
    assert "1.0000 to 1.0300" in str(worsened(lines(1.0, 1.03), [general], 0.02))
    assert worsened(lines(1.0, 1.03), [general], None) is None
    assert worsened(lines(1.0, 1.03), [Slice("g", "domain", (), 1, frozenset())], 0.02) is None


def test_blocks_are_the_same_whoever_prepares_them(
    uninterrupted: Path, tiny: Path, corpus: Path, tmp_path: Path
) -> None:
    """The stream's hash in the run's record is that of the blocks' token ids."""
    import hashlib

    blocks = prepare(
        parse_sources([str(corpus)]),
        tokenizer=AutoTokenizer.from_pretrained(tiny),
        work=tmp_path,
        block_size=BLOCK,
        budget=5000,
        held_out=0.05,
    )
    stream = b""
    for begin in range(0, len(blocks), 4):
        ids = b"".join(block.input_ids.astype("<i8").tobytes() for block in blocks[begin : begin + 4])
        stream = hashlib.sha256(stream + hashlib.sha256(ids).digest()).digest()
    record = json.loads((uninterrupted / "run.json").read_text())
    assert record["stream"] == stream.hex()
    assert record["tokens"] == 5000
