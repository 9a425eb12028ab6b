"""Promises of the memory: what must stay stays word for word, and the prompt never outgrows its budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.corpora.base import Corpus
from builders.metasynth.briefing import Briefing
from builders.metasynth.experts import choose_experts
from builders.metasynth.memory import ContextTooSmallError, Instance, InstanceTable, estimate_tokens, fit
from builders.metasynth.menu import draw_menu
from builders.metasynth.protocol_text import TextProtocol
from builders.metasynth.workbench import Seeds, Workbench
from builders.seeds import draw_seeds, load_hierarchy
from builders.steering import Guidance

cell = st.text(max_size=30)
rows = st.builds(
    Instance,
    topic=cell,
    persona=cell,
    genre=cell,
    keywords=st.lists(cell, max_size=3).map(tuple),
    summary=cell,
)


@st.composite
def conversations(draw: st.DrawFn) -> list:
    texts = draw(
        st.lists(st.text(max_size=200), min_size=2, max_size=12).filter(lambda log: len(log) % 2 == 0)
    )
    roles = ["system", "user", *["assistant", "user"] * len(texts)]
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]


@given(conversations(), st.integers(0, 1200))
def test_a_conversation_is_cut_to_its_budget_from_the_oldest_exchange_on(log: list, budget: int) -> None:
    untouched = [*log]
    must_stay = log[:2] + log[2:][-2:]
    if estimate_tokens(must_stay) > budget:
        with pytest.raises(ContextTooSmallError, match=str(budget)):
            fit(log, budget=budget)
    else:
        fitted = fit(log, budget=budget)
        assert estimate_tokens(fitted) <= budget
        assert fitted[:2] == log[:2]
        assert fitted[2:] == log[len(log) - len(fitted) + 2 :]
        assert fitted[-2:] == log[-2:]
        assert len(fitted) % 2 == 0
        dropped = len(log) - len(fitted)
        assert dropped == 0 or estimate_tokens(fitted + log[dropped : dropped + 2]) > budget
    assert log == untouched


@given(st.lists(st.text(), max_size=4))
def test_the_estimate_never_falls_short_of_a_token_per_three_bytes(texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    assert 3 * estimate_tokens(messages) >= sum(len(text.encode()) for text in texts)


@given(rows)
def test_a_row_of_the_table_is_one_line_with_six_cells(row: Instance) -> None:
    line = row.line(3)
    assert len(line.splitlines()) == 1
    assert line.count("|") == 5


def _row(n: int) -> Instance:
    return Instance(
        topic=f"topic {n}", persona="nurse", genre="letter", keywords=("a", "b"), summary=f"Says {n} & <b>."
    )


def test_the_table_stands_word_for_word_in_the_brief_of_the_next_document() -> None:
    hierarchy, corpus = load_hierarchy("biomed"), Corpus(name="x", domain="biomed")
    team = choose_experts(corpus.experts)
    table = InstanceTable([_row(1), _row(2)])
    drawn = draw_seeds(hierarchy, corpus_seed=0, trajectory=0, k=6)
    bench = Workbench(seeds=Seeds(drawn=drawn), table=table, experts=team, max_rewrites=2)
    menu = draw_menu(hierarchy, team, subfield=drawn.subfield, seed=0)
    briefing = Briefing(
        corpus=corpus, team=team, protocol=TextProtocol(), guidance=Guidance(), example_personas=("nurse",)
    )
    meta_prompt, brief = briefing.opening(bench, menu)
    assert "1 | topic 1 | nurse | letter | a, b | Says 1 & <b>.\n" in brief["content"]
    assert "2 | topic 2 | nurse | letter | a, b | Says 2 & <b>.\n" in brief["content"]
    assert "topic" not in meta_prompt["content"].replace("same topic", "").replace("another topic", "")
    assert table.summaries() == "1. letter: Says 1 & <b>.\n2. letter: Says 2 & <b>."
