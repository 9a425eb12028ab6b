"""The methods that an ablation compares, as corpora that differ in nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders.corpora.registry import find_corpus
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.corpora.base import Corpus, SeedDocuments

METHODS = ("template", "keywords", "keywords+steering", "documents", "documents+steering")
"""Template prompting; MetaSynth from keyword seeds or document seeds, as the paper has it and steered."""


def method_corpora(
    domain: str, methods: Sequence[str], seed_documents: SeedDocuments | None
) -> dict[str, Corpus]:
    """A corpus for each method, named like it.

    Args:
        domain: one that has a shipped `template-` and `metasynth-` corpus.
        methods: some of `METHODS`.
        seed_documents: where document seeds come from.

    Raises:
        UserError: an unknown method or domain, a method twice, or document seeds without a source.
    """
    found: dict[str, Corpus] = {}
    for method in methods:
        if method not in METHODS:
            raise UserError(f"--methods: there is no {method!r}; known: {', '.join(METHODS)}")
        if method in found:
            raise UserError(f"--methods: {method!r} is named twice; leave one out")
        kind, _, steering = method.partition("+")
        if kind == "template":
            found[method] = find_corpus(f"template-{domain}")
            continue
        if kind == "documents" and seed_documents is None:
            raise UserError(f"the method {method!r} reads seed documents; name them with --seed-dataset")
        found[method] = find_corpus(f"metasynth-{domain}").model_copy(
            update={
                "name": f"{method.replace('+', '-')}-{domain}",
                "steering": bool(steering),
                "seed_documents": seed_documents if kind == "documents" else None,
            }
        )
    return found
