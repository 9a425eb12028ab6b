"""Promises of reading answers: lists in any common shape, verdicts, one-line summaries; nothing raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.metasynth.answers import MAX_TERM_WORDS, read_line, read_terms, read_verdict
from builders.seeds import known_domains, load_hierarchy

term = st.lists(
    st.text("abcdefgh-", min_size=2, max_size=9).map(lambda word: f"t{word}t"), min_size=1, max_size=3
)
terms = st.lists(term.map(" ".join), min_size=1, max_size=6, unique=True)
awkward = st.text() | st.text(alphabet='{}[]":,.*- \nverdictsmlao\u2022', max_size=60)


@given(awkward, st.integers(1, 5))
def test_any_answer_gives_a_list_within_its_limits(output: str, limit: int) -> None:
    found = read_terms(output, limit=limit)
    assert len(found) <= limit
    assert len({entry.casefold() for entry in found}) == len(found)
    assert all(1 <= len(entry.split()) <= MAX_TERM_WORDS and entry == entry.strip() for entry in found)


@given(terms)
def test_a_list_is_the_same_in_every_shape_that_models_write(wanted: list[str]) -> None:
    shapes = [
        json.dumps({"terms": wanted}),
        ", ".join(wanted),
        ",".join(wanted) + ".",
        "\n".join(wanted),
        "\n".join(f"- {entry}" for entry in wanted),
        "\n".join(f"{number}. {entry}" for number, entry in enumerate(wanted, start=1)),
        "**Keywords:** " + ", ".join(f'"{entry}"' for entry in wanted),
        "Here are the related terms:\n" + "\n".join(f"\u2022 {entry};" for entry in wanted),
    ]
    for shape in shapes:
        assert read_terms(shape, limit=9) == wanted


@pytest.mark.parametrize("domain", known_domains())
def test_every_shipped_term_is_read_as_it_stands(domain: str) -> None:
    for subfield in load_hierarchy(domain).subfields:
        terms = list(subfield.terms)
        assert read_terms(json.dumps({"terms": terms}), limit=99) == terms
        assert (
            read_terms("\n".join(f"{n}. {term}" for n, term in enumerate(terms, start=1)), limit=99) == terms
        )
        assert read_terms("\n".join(terms), limit=99) == terms


def test_a_term_twice_counts_once_in_its_first_spelling() -> None:
    assert read_terms("Heart failure, ACE inhibitors, heart  failure", limit=5) == [
        "Heart failure",
        "ACE inhibitors",
    ]


def test_a_sentence_is_not_a_term() -> None:
    assert read_terms("These are the terms that I would suggest for you\nstatins", limit=5) == ["statins"]


@given(awkward)
def test_any_answer_gives_a_verdict(output: str) -> None:
    similar, suggestion = read_verdict(output)
    assert isinstance(similar, bool)
    assert suggestion == " ".join(suggestion.split())


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("VERDICT: TOO SIMILAR\nWrite for nurses.", (True, "Write for nurses.")),
        ("VERDICT: TOO SIMILAR. Write for nurses.", (True, "Write for nurses.")),
        ("**Verdict:** similar\n\nWrite for nurses.", (True, "Write for nurses.")),
        ("VERDICT: DISTINCT\nWrite for nurses.", (False, "Write for nurses.")),
        ("VERDICT: DISTINCT, not too similar.", (False, "not too similar.")),
        ("Verdict: not similar", (False, "not similar")),
        ('{"verdict": "TOO SIMILAR", "suggestion": "Write for nurses."}', (True, "Write for nurses.")),
        ('{"verdict": "DISTINCT", "suggestion": "-"}', (False, "-")),
        ('{"verdict": "dissimilar"}', (False, "")),
        ("They look alike to me.", (False, "They look alike to me.")),
        ("", (False, "")),
    ],
)
def test_a_verdict_is_read_and_an_unreadable_one_counts_as_distinct(
    output: str, expected: tuple[bool, str]
) -> None:
    assert read_verdict(output) == expected


@pytest.mark.parametrize("read", [lambda text: read_terms(text, limit=3), read_verdict])
def test_nesting_that_exhausts_the_parser_does_no_harm(read) -> None:
    read('{"terms":' * 100_000)


@given(st.text(), st.integers(1, 9))
def test_a_line_is_one_line_of_at_most_so_many_words(output: str, limit: int) -> None:
    line = read_line(output, max_words=limit)
    assert len(line.split()) <= limit
    assert len(line.splitlines()) <= 1
