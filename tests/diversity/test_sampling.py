"""Samples are of equal size in documents and in words, and the seed decides them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders.diversity.sampling import cut, equal_samples, whole

TEXT = st.lists(st.sampled_from(["a", "bb", "c.", "\n", "\u00a0", "\x1f", ""]), max_size=12).map(" ".join)
CORPORA = st.lists(st.lists(TEXT, min_size=1, max_size=9), min_size=1, max_size=4)


@given(CORPORA, st.integers(0, 5))
def test_samples_have_equally_many_documents_and_words(corpora: list[list[str]], seed: int) -> None:
    samples = equal_samples(corpora, seed=seed)
    assert {len(sample.texts) for sample in samples} == {min(map(len, corpora))}
    counted = [sum(len(text.split()) for text in sample.texts) for sample in samples]
    assert len(set(counted)) == 1
    assert [sample.n_words for sample in samples] == counted
    assert any(sample.cut == 0 for sample in samples)


@given(CORPORA, st.integers(0, 5))
def test_a_sample_holds_beginnings_of_different_documents_in_order(
    corpora: list[list[str]], seed: int
) -> None:
    for corpus, sample in zip(corpora, equal_samples(corpora, seed=seed), strict=True):
        rest = iter(corpus)
        assert all(any(text.startswith(part) for text in rest) for part in sample.texts)
        assert sample.of_documents == len(corpus)


@given(TEXT, st.integers(0, 14))
def test_a_cut_text_keeps_its_first_words_and_its_white_space(text: str, words: int) -> None:
    short = cut(text, words)
    assert text.startswith(short)
    assert short.split() == text.split()[:words]


def test_only_the_longest_documents_are_cut() -> None:
    long, short = equal_samples([["a", "b c", "d e f g h", "i j k l m"], ["a b c d e f g h i", "", "", ""]])
    assert long.texts == ("a", "b c", "d e f", "i j k")
    assert (long.cut, long.cut_at, long.n_words, long.of_words) == (2, 3, 9, 13)
    assert (short.cut, short.n_words) == (0, 9)


def test_the_seed_decides_the_sample_and_the_order_of_corpora_does_not() -> None:
    large, small = [f"document {number}" for number in range(50)], ["one two"] * 10
    first, again, other = (equal_samples([large, small], seed=seed)[0] for seed in (1, 1, 2))
    assert first == again != other
    assert equal_samples([small, large], seed=1)[1] == first


def test_fewer_documents_may_be_asked_for() -> None:
    samples = equal_samples([["a b"] * 9, ["c d"] * 7], documents=3)
    assert [len(sample.texts) for sample in samples] == [3, 3]
    assert len(equal_samples([["a b"] * 9], documents=30)[0].texts) == 9


def test_the_whole_of_a_corpus_is_left_as_it_is() -> None:
    sample = whole(["a b", ""])
    assert (sample.texts, sample.n_words, sample.of_documents, sample.cut) == (("a b", ""), 2, 2, 0)
