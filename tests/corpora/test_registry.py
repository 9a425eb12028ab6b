"""Promises of the registry: what ships is complete, and a script of the user's counts as much."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builders.corpora import base
from builders.corpora.base import Corpus
from builders.corpora.registry import find_corpus, known_corpora
from builders.seeds import load_hierarchy

SHIPPED = [
    "metasynth-biomed",
    "metasynth-biomed-instruct",
    "metasynth-finance",
    "metasynth-finance-instruct",
    "template-biomed",
    "template-finance",
]


def test_the_shipped_corpora_are_known_by_their_names() -> None:
    assert list(known_corpora()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_corpus_is_one_short_script_of_its_name(name: str) -> None:
    script = Path(base.__file__).with_name(f"{name.replace('-', '_')}.py")
    assert len(script.read_text().splitlines()) <= 25
    assert find_corpus(str(script)) == find_corpus(name)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_corpus_has_keywords_and_documents_of_at_most_400_words(name: str) -> None:
    corpus = find_corpus(name)
    assert corpus.max_words == 400
    assert len(load_hierarchy(corpus.keyword_source).subfields) >= 25


@pytest.mark.parametrize("domain", ["biomed", "finance"])
def test_the_baseline_differs_from_the_method_in_the_method_alone(domain: str) -> None:
    method, baseline = find_corpus(f"metasynth-{domain}"), find_corpus(f"template-{domain}")
    different = {field for field in Corpus.model_fields if getattr(method, field) != getattr(baseline, field)}
    assert different <= {"name", "method", "description", "previous_documents"}


def test_every_setting_is_explained() -> None:
    told = Corpus.__doc__ or ""
    assert [
        field for field in Corpus.model_fields if not re.search(rf"^ +{field}[:,]|, {field}:", told, re.M)
    ] == []
