"""Instructions with responses, made of the documents of `metasynth-biomed` by a directed team."""

from __future__ import annotations

from builders.corpora.base import INSTRUCT_EXPERTS, Corpus, Decoding, Instruct

CORPUS = Corpus(
    name="metasynth-biomed-instruct",
    domain="biomed",
    method="instruct",
    description="Biomedical instructions with responses, evolved from synthetic documents",
    instruct=Instruct(source="metasynth-biomed"),
    experts=INSTRUCT_EXPERTS,
    max_rounds=20,
    min_words=20,
    near_duplicate_threshold=0.5,
    near_duplicate_shingle=2,
    stand_in_decoding=Decoding(
        temperature=0.4, top_p=0.9, frequency_penalty=0.3, document_tokens=160, turn_tokens=110, menus=True
    ),
)
