"""Documents in a packed block do not see each other, under every attention implementation; and where they
do, the check says so."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from transformers import BloomConfig, Llama4TextConfig

from harness.cli import main
from harness.pretrain import boundaries
from harness.pretrain.blocks import Block
from harness.pretrain.boundaries import attentions, check_boundaries
from harness.pretrain.collate import IGNORED, Collate
from harness.pretrain.tiny import TINY, WINDOW, tiny_model
from harness.pretrain.varlen import can_vary, register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK = 64

Batch = dict[str, Any]

register()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def model_of(name: str) -> Any:
    return tiny_model(name)


@pytest.mark.parametrize("attention", ["sdpa_varlen", "sdpa", "eager"])
@pytest.mark.parametrize("name", TINY)
def test_logits_of_a_packed_document_are_those_of_the_document_alone(name: str, attention: str) -> None:
    model = model_of(name)
    model.set_attn_implementation(attention)
    check = check_boundaries(model, block_size=BLOCK, seed=3)
    assert check.attention == attention
    assert check.packed <= 1e-4
    assert check.concatenated > 1
    assert check.verdict == "safe"


@pytest.mark.parametrize("name", TINY)
def test_attention_one_document_at_a_time_gives_the_logits_and_gradients_of_a_mask(name: str) -> None:
    draw = np.random.default_rng(0)
    blocks = [block(*(draw.integers(0, 128, length) for length in lengths)) for lengths in ((40, 3), (1, 60))]
    found = {}
    for attention in ("sdpa_varlen", "eager"):
        model = tiny_model(name)
        model.set_attn_implementation(attention)
        loss = model(**Collate(model.config, block_size=BLOCK)(blocks)).loss
        loss.backward()
        found[attention] = [loss, *(weights.grad for weights in model.parameters())]
    for varlen, masked in zip(*found.values(), strict=True):
        torch.testing.assert_close(varlen, masked, atol=1e-4, rtol=1e-4)


def test_a_model_whose_layers_see_chunks_or_that_hands_no_lengths_on_is_left_to_a_mask() -> None:
    assert all(can_vary(model_of(name).config) for name in TINY)
    assert not can_vary(BloomConfig())
    assert not can_vary(Llama4TextConfig())


@pytest.mark.filterwarnings("ignore:.*flex_attention called without:UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["mistral", "mistral-window", "llama"])
def test_so_they_are_with_flex_attention(name: str) -> None:
    model = tiny_model(name)
    model.set_attn_implementation("flex_attention")
    with torch.compiler.set_stance("force_eager"):  # compiled kernels: below, and `harness doctor`
        check = check_boundaries(model, block_size=BLOCK)
    assert check.packed <= 1e-4
    assert check.verdict == "safe"


@pytest.mark.slow  # torch compiles kernels for minutes; with a window, those of 2.13 for a CPU do not compile
@pytest.mark.parametrize("name", ["mistral", "llama"])
def test_so_they_are_with_compiled_flex_attention(name: str) -> None:
    model = tiny_model(name)
    model.set_attn_implementation("flex_attention")
    assert check_boundaries(model, block_size=BLOCK).packed <= 1e-4


def flash_attention(q: Any, k: Any, v: Any, *, softmax_scale: float, causal: bool, **options: Any) -> Any:
    """What FlashAttention's `flash_attn_func` computes, as documented: (batch, tokens, heads, width)."""
    left, _ = options.get("window_size", (-1, -1))
    tokens = torch.arange(q.shape[1])
    sees = tokens[:, None] >= tokens if causal else torch.ones(len(tokens), len(tokens), dtype=torch.bool)
    if left >= 0:
        sees &= tokens[:, None] - tokens <= left
    heads = (one.transpose(1, 2) for one in (q, k, v))
    out = torch.nn.functional.scaled_dot_product_attention(
        *heads, attn_mask=sees, scale=softmax_scale, enable_gqa=True
    )
    return out.transpose(1, 2)


def flash_attention_varlen(
    q: Any, k: Any, v: Any, *, cu_seqlens_q: Any, cu_seqlens_k: Any, max_seqlen_q: int, max_seqlen_k: int,
    softmax_scale: float, causal: bool, window_size: tuple[int, int] = (-1, -1),
) -> Any:  # fmt: skip
    """Likewise `flash_attn_varlen_func`: (tokens, heads, width), each segment by itself."""
    assert cu_seqlens_q.dtype == torch.int32
    assert cu_seqlens_q.tolist() == cu_seqlens_k.tolist()
    sizes = cu_seqlens_q.diff().tolist()
    assert sum(sizes) == len(q)
    assert max(sizes) == max_seqlen_q == max_seqlen_k
    segments = zip(*(one.split(sizes) for one in (q, k, v)), strict=True)
    options = {"softmax_scale": softmax_scale, "causal": causal, "window_size": window_size}
    return torch.cat([flash_attention(*(one[None] for one in part), **options)[0] for part in segments])


@pytest.mark.parametrize("name", TINY)
def test_so_they_are_with_variable_lengths_where_a_stand_in_computes_as_flash_attention_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import modeling_flash_attention_utils as flash
    from transformers.integrations import flash_attention as integration

    stand_in = (flash_attention, flash_attention_varlen, None, flash._pad_input, flash._unpad_input)
    settings = flash._lazy_define_process_function(flash_attention_varlen)
    monkeypatch.setattr(flash, "lazy_import_flash_attention", lambda *_, **__: (stand_in, (settings, dict)))
    monkeypatch.setattr(integration, "get_target_dtype", lambda *_: None)  # the stand-in takes float32
    model = tiny_model(name)
    model.config._attn_implementation = "flash_attention_2"
    check = check_boundaries(model, block_size=BLOCK)
    assert check.packed <= 1e-4
    assert check.verdict == "safe"


def test_every_implementation_is_tried_or_told_and_the_model_left_as_it_was() -> None:
    model = model_of("gpt2")
    model.set_attn_implementation("eager")
    found = dict(attentions(model))
    assert found["sdpa_varlen"] is found["sdpa"] is found["eager"] is None
    assert "flex" in str(found["flex_attention"])  # transformers has none for GPT-2
    assert model.config._attn_implementation == "eager"


def careless(change: Callable[[Batch], Batch]) -> Callable[[Any], Callable[[Sequence[Block]], Batch]]:
    def collate_of(model: Any) -> Callable[[Sequence[Block]], Batch]:
        collate = Collate(model.config, block_size=BLOCK)
        return lambda blocks: change(collate(blocks))

    return collate_of


MISTAKES = {
    "no mask, and a cache": lambda batch: {**batch, "attention_mask": None, "use_cache": True},
    "positions that go on": lambda batch: {
        **batch,
        "position_ids": torch.arange(BLOCK).expand_as(batch["position_ids"]),
    },
    "a mask that is only causal": lambda batch: {
        **batch,
        "attention_mask": torch.ones(BLOCK, BLOCK).tril().bool().expand(len(batch["input_ids"]), 1, -1, -1),
    },
    "one token too far": lambda batch: {
        **batch,
        "attention_mask": batch["attention_mask"] | batch["attention_mask"].roll(1, 2).tril(),
    },
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_check_finds_documents_that_see_each_other(mistake: str) -> None:
    model = model_of("gpt2" if mistake == "positions that go on" else "llama")
    model.set_attn_implementation("sdpa")
    collate = careless(MISTAKES[mistake])(model)
    check = check_boundaries(model, block_size=BLOCK, collate=collate)
    assert check.packed > 0.1
    assert check.verdict == "unsafe"


def test_a_sliding_window_is_kept_inside_a_packed_document() -> None:
    model = model_of("mistral-window")
    model.set_attn_implementation("sdpa")

    def wide(batch: Batch) -> Batch:
        same = batch["position_ids"].eq(0).cumsum(-1)
        apart = (same[:, None, :, None] == same[:, None, None, :]) & torch.ones(BLOCK, BLOCK).tril().bool()
        return {**batch, "attention_mask": apart}

    assert WINDOW < BLOCK
    assert check_boundaries(model, block_size=BLOCK, collate=careless(wide)(model)).verdict == "unsafe"


def test_a_model_that_sees_nothing_leaves_the_verdict_open() -> None:
    model = tiny_model("llama")
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
    assert check_boundaries(model, block_size=BLOCK).verdict == "unclear"


def test_logits_that_are_no_numbers_are_unsafe() -> None:
    model = tiny_model("llama")
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    assert check_boundaries(model, block_size=BLOCK).verdict == "unsafe"


def block(*documents: Sequence[int]) -> Block:
    zeros = np.zeros(len(documents), np.int64)
    lengths = np.array([len(document) for document in documents])
    return Block(np.concatenate(documents).astype(np.int64), lengths, zeros, zeros, zeros)


def test_the_loss_of_a_batch_is_that_of_its_documents_alone() -> None:
    draw = np.random.default_rng(0)
    documents = [draw.integers(0, 128, length) for length in (5, 1, 30, 2, 17, 64, 40, 24)]
    blocks = [block(*documents[:5]), block(documents[5]), block(*documents[6:])]
    for name in ("llama", "gpt2"):
        model = model_of(name)
        model.set_attn_implementation("sdpa")
        with torch.inference_mode():
            whole = model(**Collate(model.config, block_size=BLOCK)(blocks)).loss
            losses, targets = 0.0, 0
            for document in documents:
                if len(document) > 1:
                    ids = torch.from_numpy(document)[None]
                    losses += float(model(input_ids=ids, labels=ids).loss) * (len(document) - 1)
                    targets += len(document) - 1
        assert float(whole) == pytest.approx(losses / targets, abs=1e-5)


def test_every_token_but_the_first_of_a_document_and_padding_is_a_target() -> None:
    config = model_of("llama").config
    config._attn_implementation = "sdpa"
    batch = Collate(config, block_size=8)([block([5, 6, 7], [8], [9, 9]), block([4] * 8)])
    i = IGNORED
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9, 9, 9, 9], [4] * 8]
    assert batch["labels"].tolist() == [[i, 6, 7, i, i, 9, i, i], [i, *[4] * 7]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 0, 1, 0, 1], [*range(8)]]
    mask = batch["attention_mask"]
    assert mask.shape == (2, 1, 8, 8)
    assert mask[0, 0].sum(1).tolist() == [1, 2, 3, 1, 1, 2, 1, 2]
    assert mask[1, 0].sum(1).tolist() == [*range(1, 9)]


def test_varlen_attention_gets_one_row_and_the_lengths_of_its_documents() -> None:
    config = model_of("llama").config
    config._attn_implementation = "sdpa_varlen"
    batch = Collate(config, block_size=8)([block([5, 6, 7], [8], [9, 9]), block([4] * 8)])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9, 9, *[4] * 8]]
    assert batch["segment_lengths"] == [3, 1, 2, 8]
    assert "attention_mask" not in batch


def test_flash_attention_gets_one_row_without_padding_and_the_bounds_of_its_documents() -> None:
    config = model_of("llama").config
    config._attn_implementation = "flash_attention_2"
    batch = Collate(config, block_size=8)([block([5, 6, 7], [8], [9, 9]), block([4] * 8)])
    i = IGNORED
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8, 9, 9, *[4] * 8]]
    assert batch["labels"].tolist() == [[i, 6, 7, i, i, 9, i, *[4] * 7]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 0, 1, *range(8)]]
    assert batch["cu_seq_lens_q"].tolist() == batch["cu_seq_lens_k"].tolist() == [0, 3, 4, 6, 14]
    assert batch["cu_seq_lens_q"].dtype == torch.int32
    assert batch["max_length_q"] == batch["max_length_k"] == 8
    assert "attention_mask" not in batch


def test_an_attention_that_cannot_keep_documents_apart_is_refused() -> None:
    from builders.errors import UserError

    config = model_of("llama").config
    config._attn_implementation = "paged|sdpa"
    with pytest.raises(UserError, match=r"cannot be kept apart with the attention 'paged\|sdpa'"):
        Collate(config, block_size=8)


def doctor(*words: str) -> Any:
    return CliRunner().invoke(main, ["doctor", "--block-size", str(BLOCK), *words])


def test_the_doctor_says_safe_and_ends_with_0() -> None:
    ended = doctor("--attention", "sdpa")
    assert ended.exit_code == 0, ended.output
    for name in TINY:
        assert name in ended.stdout
    assert ended.stdout.count("safe") == len(TINY)
    assert "unsafe" not in ended.stdout


def test_the_doctor_ends_with_1_where_documents_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(Collate):
        def __call__(self, blocks: Sequence[Block]) -> Batch:
            return {**super().__call__(blocks), "attention_mask": None, "use_cache": True}

    monkeypatch.setattr(boundaries, "Collate", Careless)
    ended = doctor("--attention", "eager", "--json")
    assert ended.exit_code == 1
    assert ended.stdout.count('"verdict": "unsafe"') == len(TINY)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--attention", "flash_attention_2"), "flash_attention_2 could not be checked"),
        (("--device", "nonsense"), "--device nonsense cannot be used"),
        (("--attention", "sdpa", "--block-size", "100000"), "more than the model's context of 256"),
    ],
)
def test_what_the_doctor_cannot_check_is_one_line(words: tuple[str, ...], told: str) -> None:
    if "flash_attention_2" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU, which may have it")
    ended = doctor(*words)
    assert ended.exit_code == 2
    assert told in ended.stderr
    assert len([line for line in ended.stderr.splitlines() if not line.endswith("not available")]) == 1
