"""PyTorch's attention for documents of various lengths in one row: each attends by itself, without a mask.

Under a block-diagonal mask every token is compared with every token of its block, and most of that is thrown
away. FlashAttention has kernels that leave it out; here each segment is a call of PyTorch's own causal
attention, which every device has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.pretrain.collate import VARLEN

if TYPE_CHECKING:
    import torch

LAYERS = frozenset({"full_attention", "sliding_attention"})
"""The kinds of layers whose documents can be told apart without a mask."""


def register() -> None:
    """Make `sdpa_varlen` known to transformers."""
    from transformers import AttentionInterface

    AttentionInterface.register(VARLEN, attention)


def can_vary(config: Any) -> bool:
    """Whether a model hands the lengths on to its attention, which is causal, with or without a window.

    Args:
        config: its `transformers` configuration.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    text = config.get_text_config()
    model = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    return bool(
        getattr(model, "_supports_attention_backend", False)
        and getattr(model, "_supports_sdpa", False)
        and LAYERS.issuperset(getattr(text, "layer_types", None) or ())
        and not getattr(text, "attention_chunk_size", None)
        and getattr(text, "is_causal", True)
    )


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    sliding_window: int | None = None,
    segment_lengths: list[int] | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each layer.

    Args:
        module: the layer's attention.
        query: and `key` and `value`, shape (1, heads, tokens, width).
        attention_mask: none is needed, nor made.
        sliding_window: how many tokens a token sees, itself included; all before it where None.
        segment_lengths: of the row's segments, in tokens; integers, so that no layer waits for a GPU to tell
            them. Without them each row is one document.
        settings: for PyTorch's attention as transformers calls it.

    Returns:
        Shape (1, tokens, heads, width), and no weights.
    """
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    lengths = segment_lengths or [query.shape[2]]
    segments = zip(*(states.split(lengths, dim=2) for states in (query, key, value)), strict=True)
    seen = [
        sdpa_attention_forward(
            module, *segment, attention_mask=_window(segment[0], sliding_window), **settings
        )[0]
        for segment in segments
    ]
    return torch.cat(seen, dim=1), None


def _window(query: torch.Tensor, width: int | None) -> torch.Tensor | None:
    """The mask of a sliding window that is narrower than the segment."""
    import torch

    length = query.shape[2]
    if width is None or length <= width:
        return None
    return torch.ones(length, length, dtype=torch.bool, device=query.device).tril().triu(1 - width)
