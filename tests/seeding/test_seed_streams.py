"""Promises of streaming: a dataset of the Hub is read as it comes, and gone on with after it broke off."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

from seed_corpus import seed_texts

from builders.testing import Simulation, simulated_endpoint
from builders.testing.hub import HubFault, hub_double
from builders.testing.hub.faults import FOREVER
from builders.testing.hub.server import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from builders.testing.hub import HubDouble

FILES, EACH = 3, 20
BEFORE_THE_LAST_FILE = 8
"""Requests for files, those that `datasets` makes for a card and settings included."""

REPO = "owner/abstracts"
BUILD = """
import sys
import datasets.config
datasets.config.STREAMING_READ_MAX_RETRIES = datasets.config.STREAMING_OPEN_MAX_RETRIES = 1
from builders.cli import main
main(sys.argv[1:])
"""
"""`datasets` asks twenty times, five seconds apart; a test need not wait for it."""

CORPUS = """
from builders.corpora import Corpus, SeedDocuments
CORPUS = Corpus(
    name="metasynth-biomed", domain="biomed",
    seed_documents=SeedDocuments(source="owner/abstracts", text_column="abstract", embedder="hashing"),
)
"""


async def upload(hub: HubDouble) -> None:
    from huggingface_hub import HfApi

    api, texts = HfApi(endpoint=hub.url, token=TOKEN), seed_texts(FILES * EACH)
    await asyncio.to_thread(api.create_repo, REPO, repo_type="dataset")
    for part in range(FILES):
        rows = [{"id": f"a-{part}-{n}", "abstract": texts[part * EACH + n]} for n in range(EACH)]
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        await asyncio.to_thread(
            api.upload_file,
            path_or_fileobj=content,
            path_in_repo=f"data/train-{part}.jsonl",
            repo_id=REPO,
            repo_type="dataset",
        )


async def build(folder: Path, hub: HubDouble, url: str) -> tuple[int, str]:
    (folder / "corpus.py").write_text(CORPUS)
    words = ("build", "corpus.py", "--documents", "6", "--protocol", "guided", "--endpoint", url)
    own = {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(folder / "hf-home"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "NO_PROXY": "*",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BUILD,
        *words,
        cwd=folder,
        env=os.environ | own,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_stream_that_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    async with hub_double() as hub, simulated_endpoint(Simulation()) as server:
        await upload(hub)
        hub.script(HubFault(route="resolve", status=404, skip=BEFORE_THE_LAST_FILE, times=FOREVER))
        code, said = await build(tmp_path, hub, server.url)
        assert code == 2, said
        assert "the dataset owner/abstracts of the Hub breaks off after 40 rows" in said.splitlines()[-1]
        assert server.counts.answered == 0
        hub.script()
        code, said = await build(tmp_path, hub, server.url)
        assert code == 0, said
        assert f"{FILES * EACH} of {FILES * EACH} texts are fit" in said
