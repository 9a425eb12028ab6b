"""Whether packed documents see each other: the logits of each, packed and alone.

Some documents are packed into blocks as for training, and each is run alone, through the same model. Where
attention crosses a boundary, or positions do not restart, the logits differ by about as much as they are
large; where nothing crosses, by rounding alone. How much that is, is measured too: a causal model's logits of
a document cannot depend on what follows it, so what they change by when something follows is rounding.
Packed documents may differ by 1e-4, which small float32 models keep to, or else by a few times that rounding.

A check that could not fail shows nothing: the same blocks are also run without boundaries, and unless that is
far outside of what is allowed, the verdict is that nothing can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from harness.pretrain.blocks import Block
from harness.pretrain.collate import ATTENTIONS, VARLEN, Collate
from harness.pretrain.packing import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

TOLERANCE = 1e-4
ROUNDINGS = 4
"""Where rounding is worse than that, packed logits may be off by so many times what it was seen to do."""
POWER = 10
"""Without boundaries, logits must be off by so many times the tolerance, or nothing can be told."""
DOCUMENTS = 12


@dataclass(frozen=True, slots=True)
class BoundaryCheck:
    """What a check found. Differences are the largest of any logit of any document.

    Attributes:
        attention: the implementation.
        dtype: of the model, as `float32`.
        packed: difference between packed and alone.
        rounding: difference that tokens after a document make, which is none but rounding.
        tolerance: the most that `packed` may be.
        concatenated: difference between one after the other without boundaries, and alone.
    """

    attention: str
    dtype: str
    packed: float
    rounding: float
    tolerance: float
    concatenated: float

    @property
    def verdict(self) -> Literal["safe", "unsafe", "unclear"]:
        """Safe only if the check could have failed, and did not."""
        if not self.packed <= self.tolerance:  # not a number is unsafe
            return "unsafe"
        return "safe" if self.concatenated >= POWER * self.tolerance else "unclear"


def check_boundaries(
    model: Any,
    *,
    block_size: int = 128,
    seed: int = 0,
    collate: Callable[[Sequence[Block]], dict[str, Any]] | None = None,
) -> BoundaryCheck:
    """Compare the logits of random documents packed and alone, under the model's own attention.

    Args:
        model: a causal language model of `transformers`, on its device.
        block_size: tokens of a block; more than a sliding window, or that is not seen to work.
        seed: of the documents.
        collate: what makes a batch of blocks; by default that of training.
    """
    import torch

    make_batch = collate or Collate(model.config, block_size=block_size, dtype=model.dtype)
    documents = _documents(model.config.get_text_config().vocab_size, block_size, seed)
    blocks = _blocks(documents, block_size)
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            alone = [_logits(model, document) for document in documents]
            rounding = _rounding(model, documents, alone, block_size)
            packed = _parts(_packed_logits(model, make_batch(blocks), blocks), blocks)
            joined = _parts([_logits(model, block.input_ids) for block in blocks], blocks)
    finally:
        model.train(training)
    return BoundaryCheck(
        attention=model.config._attn_implementation,
        dtype=str(model.dtype).removeprefix("torch."),
        packed=_largest(alone, packed),
        rounding=rounding,
        tolerance=max(TOLERANCE, ROUNDINGS * rounding),
        concatenated=_largest(alone, joined),
    )


def attentions(model: Any) -> Iterator[tuple[str, str | None]]:
    """Every attention implementation that keeps documents apart, the model set to it; else why it cannot be.

    The model is left with the implementation that it came with.
    """
    from harness.pretrain.varlen import can_vary, register

    register()
    first = model.config._attn_implementation
    try:
        for name in ATTENTIONS:
            why = None
            try:
                if name == VARLEN and not can_vary(model.config):
                    raise ValueError("the model's attention needs a mask")
                model.set_attn_implementation(name)
            except (ImportError, ValueError, RuntimeError) as error:
                why = " ".join(str(error).split())
            yield name, why
    finally:
        model.set_attn_implementation(first)


def _documents(vocabulary: int, block_size: int, seed: int) -> list[NDArray[np.int64]]:
    """Random documents of one token, of a whole block, and of lengths between."""
    draw = np.random.default_rng(seed)
    lengths = [1, 2, block_size, *draw.integers(3, block_size // 2, DOCUMENTS - 3).tolist()]
    return [draw.integers(0, vocabulary, length) for length in draw.permutation(lengths)]


def _blocks(documents: Sequence[NDArray[np.int64]], block_size: int) -> list[Block]:
    """The documents packed as for training."""
    packing = pack(np.array([len(document) for document in documents]), block_size)
    blocks = []
    for begin, end in zip(packing.bounds[:-1], packing.bounds[1:], strict=True):
        numbers, zeros = packing.documents[begin:end], np.zeros(end - begin, np.int64)
        ids = np.concatenate([documents[number] for number in numbers])
        blocks.append(Block(ids, packing.lengths[begin:end], zeros, numbers, zeros))
    return blocks


def _logits(model: Any, ids: NDArray[np.int64]) -> torch.Tensor:
    """Of one row of tokens as it is; shape (tokens, vocabulary), float32."""
    import torch

    row = torch.from_numpy(ids)[None].to(model.device)
    logits: torch.Tensor = model(input_ids=row, use_cache=False).logits[0].float()
    return logits


def _packed_logits(model: Any, batch: dict[str, Any], blocks: Sequence[Block]) -> list[torch.Tensor]:
    """Of each block, without padding: `_logits`, by way of the batch that training takes."""
    batch = {name: _moved(value, model.device) for name, value in batch.items() if name != "labels"}
    logits = model(**batch).logits.float()
    sizes = [len(block.input_ids) for block in blocks]
    if len(logits) < len(blocks):  # all blocks in one row
        return list(logits[0].split(sizes))
    return [row[:size] for row, size in zip(logits, sizes, strict=True)]


def _parts(logits: Sequence[torch.Tensor], blocks: Sequence[Block]) -> dict[int, torch.Tensor]:
    """The logits of each document, by its number."""
    return {
        int(number): part
        for of_block, block in zip(logits, blocks, strict=True)
        for number, part in zip(block.documents, of_block.split(block.lengths.tolist()), strict=True)
    }


def _rounding(
    model: Any, documents: Sequence[NDArray[np.int64]], alone: Sequence[torch.Tensor], block_size: int
) -> float:
    """What tokens after a document, up to the size of a block, change its logits by."""
    filling = np.concatenate(documents)
    followed = {
        number: _logits(model, np.concatenate((document, filling))[:block_size])[: len(document)]
        for number, document in enumerate(documents)
    }
    return _largest(alone, followed)


def _largest(alone: Sequence[torch.Tensor], other: dict[int, torch.Tensor]) -> float:
    """The largest difference of any logit of any document; not a number if one is none."""
    import torch

    return float(
        torch.stack([(alone[number] - logits).abs().max() for number, logits in other.items()]).max()
    )


def _moved(value: Any, device: Any) -> Any:
    if isinstance(value, dict):
        return {name: _moved(one, device) for name, one in value.items()}
    return value.to(device) if hasattr(value, "to") else value
