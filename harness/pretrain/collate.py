"""Blocks as a batch of tensors in which no document sees another, for each attention implementation.

| attention | what keeps documents apart | shape |
|---|---|---|
| `flash_attention_2`, `flash_attention_3` | cumulative lengths of segments; no padding at all | (1, tokens) |
| `sdpa_varlen` | lengths of segments, attended to one by one (`varlen.py`); no padding | (1, tokens) |
| `sdpa`, `eager` | a block-diagonal causal mask per batch, sliding windows included | (blocks, block size) |
| `flex_attention` | position ids, from which the model makes its block mask | (blocks, block size) |

Position ids restart in each segment. The first token of a segment is no target: nothing precedes it, as if
the document were alone. `use_cache` is off because transformers (5.23) takes no notice of restarting position
ids where a cache is made, and a cache is made by default: documents would then see each other, in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from harness.pretrain.blocks import Block

FLASH = ("flash_attention_2", "flash_attention_3")
MASKED = ("sdpa", "eager")
FLEX = ("flex_attention",)
VARLEN = "sdpa_varlen"
FLAT = (VARLEN, *FLASH)
"""Those that take all blocks of a batch in one row."""
ATTENTIONS = (VARLEN, *MASKED, *FLEX, *FLASH)
SEGMENTS = "segment_lengths"
"""What of a batch tells `sdpa_varlen` how long each document is, in the order of the row."""
IGNORED = -100
"""The label of a token without a loss."""


class Collate:
    """Makes a batch of blocks: what `model(**batch)` takes. For the `data_collator` of a `Trainer`.

    Args:
        config: the model's `transformers` configuration; its attention implementation decides the form.
        block_size: tokens of a block, to which shorter ones are padded (not where they come in one row).
        dtype: of the model; that of a mask for eager attention.

    Raises:
        UserError: documents cannot be kept apart with the model's attention implementation.
    """

    def __init__(self, config: Any, *, block_size: int, dtype: torch.dtype | None = None) -> None:
        self._config = config.get_text_config()
        self._block_size = block_size
        self._dtype = dtype
        attention = self._config._attn_implementation
        if attention not in ATTENTIONS:
            raise UserError(
                f"documents cannot be kept apart with the attention {attention!r}: choose one of "
                f"{', '.join(ATTENTIONS)}"
            )
        self._attention = attention

    def __call__(self, blocks: Sequence[Block]) -> dict[str, Any]:
        """A batch.

        Returns:
            `input_ids`, `labels` and `position_ids`, all int64 of the shape above; `attention_mask` for sdpa
            and eager; the lengths of segments for `sdpa_varlen`; the four arguments of variable lengths for
            FlashAttention; `use_cache`, which is off.
        """
        import torch

        if self._attention in FLAT:
            lengths = np.concatenate([block.lengths for block in blocks])
            rows = [(np.concatenate([block.input_ids for block in blocks]), lengths)]
        else:
            rows = [self._padded(block) for block in blocks]
        ids = torch.from_numpy(np.stack([ids for ids, _ in rows]))
        positions = torch.from_numpy(np.stack([_positions(lengths) for _, lengths in rows]))
        labels = ids.masked_fill(positions == 0, IGNORED)
        if self._attention not in FLAT:
            for row, block in enumerate(blocks):
                labels[row, len(block.input_ids) :] = IGNORED
        batch: dict[str, Any] = {
            "input_ids": ids,
            "labels": labels,
            "position_ids": positions,
            "use_cache": False,
        }
        if self._attention in FLASH:
            bounds = torch.from_numpy(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
            longest = int(lengths.max())
            batch |= {"cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds}
            batch |= {"max_length_q": longest, "max_length_k": longest}
        elif self._attention == VARLEN:
            batch[SEGMENTS] = lengths.tolist()
        elif self._attention in MASKED:
            batch["attention_mask"] = self._mask(positions)
        return batch

    def _padded(self, block: Block) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """A block filled up by a segment of its last token, which no document sees and no loss counts."""
        room = self._block_size - len(block.input_ids)
        if not room:
            return block.input_ids, block.lengths
        return np.pad(block.input_ids, (0, room), mode="edge"), np.append(block.lengths, room)

    def _mask(self, positions: torch.Tensor) -> Any:
        """The mask, or masks by kind of layer, that transformers makes of restarting positions."""
        import torch
        from transformers.masking_utils import create_masks_for_generate

        shape_only = torch.empty(*positions.shape, 0, dtype=self._dtype or torch.get_default_dtype())
        return create_masks_for_generate(
            config=self._config,
            inputs_embeds=shape_only,
            attention_mask=None,
            past_key_values=None,
            position_ids=positions,
        )


def _positions(lengths: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """0, 1, 2, ... in each segment."""
    begins = np.repeat(np.cumsum(lengths) - lengths, lengths)
    positions: np.ndarray[Any, Any] = np.arange(len(begins), dtype=np.int64) - begins
    return positions
