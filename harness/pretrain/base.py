"""The base model: which one, where it is, and whether it only stands in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.embedded_model import STAND_IN, embedded_model_folder
from builders.errors import UserError
from builders.serve.weights import EMBEDDED
from harness.pretrain.collate import VARLEN
from harness.pretrain.output import MODELS

DEFAULT_BASE = "mistralai/Mistral-7B-v0.3"
"""The paper's."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base model.

    Attributes:
        name: what artefacts call it.
        place: the Hub id or folder that `from_pretrained` takes.
        stand_in: whether the embedded model stands in for a real base.
        config: its `transformers` configuration.
        tokenizer: its tokenizer.
    """

    name: str
    place: str
    stand_in: bool
    config: Any
    tokenizer: Any

    @property
    def settings_hash(self) -> str:
        """12 hexadecimal digits that change with its configuration, not with its place, which may move."""
        settings = {key: value for key, value in self.config.to_dict().items() if not key.startswith("_")}
        return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]


def find_base(named: str | None) -> Base:
    """Resolve a base and read its configuration and tokenizer, not its weights.

    Args:
        named: a name in `models/`, a Hub id, a folder, `embedded`, or None: Mistral-7B-v0.3 where there is a
            GPU, and else the embedded model, which stands in for it.

    Raises:
        UserError: it cannot be read.
    """
    import torch
    from transformers import AutoConfig, AutoTokenizer

    if named is None:
        named = DEFAULT_BASE if torch.cuda.is_available() else EMBEDDED
    stand_in = named == EMBEDDED
    own = MODELS / named
    place = str(embedded_model_folder() if stand_in else own if own.is_dir() else named)
    try:
        config = AutoConfig.from_pretrained(place)
        config._attn_implementation = best_attention(config)
        tokenizer = AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError, KeyError) as error:
        kind = "folder" if Path(named).exists() else "model"
        raise UserError(
            f"the base {kind} {named} cannot be read ({_first_line(error)}): check the name and the "
            "connection, or give a folder in Hugging Face layout, or `--base embedded`"
        ) from None
    return Base(STAND_IN if stand_in else named, place, stand_in, config, tokenizer)


def best_attention(config: Any) -> str:
    """FlashAttention where it is installed and there is a GPU for it; else PyTorch's, by document."""
    import torch
    from transformers.utils import is_flash_attn_2_available

    from harness.pretrain.varlen import can_vary, register

    register()
    if torch.cuda.is_available() and is_flash_attn_2_available():
        return "flash_attention_2"
    return VARLEN if can_vary(config) else "sdpa"


def load_model(base: Base, *, dtype: Any, quantised: bool = False) -> Any:
    """The base's weights.

    Args:
        base: whose.
        dtype: of the weights in memory.
        quantised: to 4 bits (NF4), on a GPU, by bitsandbytes.

    Raises:
        UserError: they cannot be read, or bitsandbytes is not installed.
    """
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": base.config._attn_implementation}
    if quantised:
        options["quantization_config"] = _four_bits(dtype)
    try:
        return AutoModelForCausalLM.from_pretrained(base.place, **options)
    except (OSError, ValueError) as error:
        raise UserError(f"the weights of {base.name} cannot be read ({_first_line(error)})") from None


def _four_bits(dtype: Any) -> Any:
    from importlib.util import find_spec

    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise UserError(
            "method qlora needs bitsandbytes: pip install bitsandbytes, or take --method lora, which needs "
            "more memory"
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
