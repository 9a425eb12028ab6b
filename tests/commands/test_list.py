from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builders.corpora.base import Corpus

if TYPE_CHECKING:
    from console import Run

SHIPPED = [
    "metasynth-biomed",
    "metasynth-biomed-instruct",
    "metasynth-finance",
    "metasynth-finance-instruct",
    "template-biomed",
    "template-finance",
]


async def test_a_person_reads_a_line_per_corpus(builders: Run) -> None:
    ended = await builders("list")

    heading, *lines = ended.out.splitlines()
    assert heading.split()[:3] == ["corpus", "domain", "method"]
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == SHIPPED


async def test_a_machine_reads_every_setting(builders: Run) -> None:
    ended = await builders("list", "--json")

    settings = json.loads(ended.out)
    assert list(settings) == SHIPPED
    assert all(Corpus.model_validate(setting).name == name for name, setting in settings.items())
