"""From a request to an order: the prompt's tokens and how to continue them.

Every range is checked here, in the sequence and words of TGI's ``validation.rs`` (version
3.3). What TGI knows and this server does not do is refused with the reason, never ignored.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builders.serve.bodies import GenerateParameters
from builders.serve.grammar import compile_grammar
from builders.serve.refusals import Invalid, NoTools

if TYPE_CHECKING:
    from builders.serve.bodies import ChatRequest, CompletionRequest
    from builders.serve.engine import Engine, VocabularyToken

DEFAULT_NEW_TOKENS = 1024
MAX_STOP_SEQUENCES = 4
MAX_TOP_TOKENS = 5
# llama.cpp draws a seed of its own for 2**32 - 1 and takes 32 bits.
SEEDS = 2**32 - 1
# TGI's sequence: it warps the scores by temperature before it cuts their tail.
SAMPLERS = ("penalties", "temperature", "top_k", "top_p", "typ_p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that has passed every check.

    Attributes:
        inputs: the prompt, as text.
        prompt: its tokens, cut to ``truncate``.
        max_new_tokens: most tokens to generate.
        seed: of the sampler; None when nothing is drawn (greedy).
        top_tokens: most likely alternatives to report per token.
        logprobs: whether log-probabilities are wanted.
        sampling: llama.cpp's sampling fields.
    """

    inputs: str
    prompt: list[VocabularyToken]
    max_new_tokens: int
    seed: int | None
    top_tokens: int
    logprobs: bool
    sampling: dict[str, Any]


async def order(
    engine: Engine,
    inputs: str,
    *,
    parameters: GenerateParameters,
    context: int,
    logprobs: bool,
    presence_penalty: float = 0.0,
    fill_context: bool = False,
) -> Order:
    """Check a request and tokenize its prompt.

    Args:
        engine: whose tokenizer counts.
        inputs: the prompt.
        parameters: as the client gave them.
        context: tokens of prompt and answer together.
        logprobs: whether log-probabilities are wanted.
        presence_penalty: the chat API's, which TGI's own parameters lack.
        fill_context: without ``max_new_tokens``, allow all that is left of the context
            instead of TGI's 1024 at most.

    Raises:
        Invalid: a parameter is out of range, or not supported.
    """
    p = parameters
    _refuse_unsupported(p)
    sampled = bool(p.do_sample) or any(
        value is not None for value in (p.temperature, p.top_k, p.top_p, p.typical_p)
    )
    _check_ranges(p, sampled=sampled)
    if not -2.0 <= presence_penalty <= 2.0:
        raise Invalid("`presence_penalty` must be >= -2.0 and <= 2.0")
    if not inputs:
        raise Invalid("`inputs` cannot be empty")
    longest_input = context - 1
    if p.truncate is not None and not 0 < p.truncate <= longest_input:
        raise Invalid(
            f"`truncate` must be strictly positive and less than {longest_input}. Given: {p.truncate}"
        )
    grammar = compile_grammar(p.grammar)

    prompt = await engine.tokenize(inputs)
    if p.truncate is not None:
        prompt = prompt[-p.truncate :]
    max_new_tokens = p.max_new_tokens
    if max_new_tokens is None:
        room = max(0, context - len(prompt))
        max_new_tokens = room if fill_context else min(room, DEFAULT_NEW_TOKENS)
    if len(prompt) + max_new_tokens > context:
        raise Invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {context}. Given: {len(prompt)} "
            f"`inputs` tokens and {max_new_tokens} `max_new_tokens`"
        )
    if len(prompt) > longest_input:
        raise Invalid(f"`inputs` must have less than {longest_input} tokens. Given: {len(prompt)}")

    seed = (p.seed if p.seed is not None else random.randrange(SEEDS)) if sampled else None
    return Order(
        inputs=inputs,
        prompt=prompt,
        max_new_tokens=max_new_tokens,
        seed=seed,
        top_tokens=p.top_n_tokens or 0,
        logprobs=logprobs,
        sampling={
            "samplers": SAMPLERS,
            "seed": (seed or 0) % SEEDS,
            "temperature": (p.temperature or 1.0) if sampled else 0.0,
            "top_k": p.top_k or 0,
            "top_p": p.top_p or 1.0,
            "typical_p": p.typical_p or 1.0,
            "repeat_penalty": p.repetition_penalty or 1.0,
            "frequency_penalty": p.frequency_penalty or 0.0,
            "presence_penalty": presence_penalty,
            "repeat_last_n": context,
            "stop": p.stop or [],
        }
        | ({"grammar": grammar} if grammar else {}),
    )


async def chat_order(engine: Engine, chat: ChatRequest, *, context: int) -> Order:
    """Check a chat and render its prompt with the model's template.

    As in TGI, a temperature of 0 means greedy, and anything else samples.

    Raises:
        Refusal: a parameter is out of range or not supported, or the template fails.
    """
    if chat.tools:
        raise NoTools
    if chat.n not in (None, 1):
        raise Invalid(f"`n` must be 1. Given: {chat.n}")
    if chat.logit_bias:
        raise Invalid("`logit_bias` is not supported by this server")
    if chat.top_logprobs and not chat.logprobs:
        raise Invalid("`top_logprobs` needs `logprobs` to be true")
    if not chat.messages:
        raise Invalid("`messages` cannot be empty")
    inputs = await engine.apply_template([message.plain() for message in chat.messages])
    greedy = chat.temperature == 0
    parameters = GenerateParameters(
        do_sample=not greedy,
        temperature=None if greedy else chat.temperature,
        top_p=chat.top_p,
        frequency_penalty=chat.frequency_penalty,
        max_new_tokens=chat.max_tokens,
        seed=chat.seed,
        stop=chat.stop,
        top_n_tokens=chat.top_logprobs,
        grammar=chat.response_format,
    )
    return await order(
        engine,
        inputs,
        parameters=parameters,
        context=context,
        logprobs=bool(chat.logprobs),
        presence_penalty=chat.presence_penalty or 0.0,
        fill_context=True,
    )


async def completion_order(engine: Engine, body: CompletionRequest, *, context: int) -> Order:
    """Check a completion of one prompt.

    Raises:
        Refusal: there are several prompts, a suffix, or a parameter out of range.
    """
    if body.suffix is not None:
        raise Invalid("`suffix` is not supported; put it into the prompt")
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    if len(prompts) != 1:
        raise Invalid(f"`prompt` must hold exactly one prompt. Given: {len(prompts)}")
    greedy = body.temperature == 0
    parameters = GenerateParameters(
        do_sample=not greedy,
        temperature=None if greedy else body.temperature,
        top_p=body.top_p,
        frequency_penalty=body.frequency_penalty,
        repetition_penalty=body.repetition_penalty,
        max_new_tokens=body.max_tokens,
        seed=body.seed,
        stop=body.stop,
    )
    return await order(engine, prompts[0], parameters=parameters, context=context, logprobs=False)


def _refuse_unsupported(p: GenerateParameters) -> None:
    if p.best_of not in (None, 1):
        raise (
            Invalid("`best_of` must be > 0 and <= 1. Given: 0")
            if p.best_of == 0
            else Invalid("`best_of` != 1 is not allowed for this endpoint")
        )
    if p.watermark:
        raise Invalid("`watermark` is not supported by this server")
    if p.adapter_id is not None:
        raise Invalid("`adapter_id` is not supported by this server")


def _check_ranges(p: GenerateParameters, *, sampled: bool) -> None:
    rules: list[tuple[bool, str]] = [
        (p.temperature is None or p.temperature > 0, "`temperature` must be strictly positive"),
        (
            p.repetition_penalty is None or p.repetition_penalty > 0,
            "`repetition_penalty` must be strictly positive",
        ),
        (
            p.frequency_penalty is None or -2.0 <= p.frequency_penalty <= 2.0,
            "`frequency_penalty` must be >= -2.0 and <= 2.0",
        ),
        (p.top_p is None or 0 < p.top_p < 1, "`top_p` must be > 0.0 and < 1.0"),
        (p.typical_p is None or 0 < p.typical_p < 1, "`typical_p` must be > 0.0 and < 1.0"),
        (p.top_k is None or p.top_k > 0, "`top_k` must be strictly positive"),
        (p.max_new_tokens != 0, "`max_new_tokens` must be strictly positive"),
        (
            len(p.stop or ()) <= MAX_STOP_SEQUENCES,
            f"`stop` supports up to {MAX_STOP_SEQUENCES} stop sequences. Given: {len(p.stop or ())}",
        ),
        (
            (p.top_n_tokens or 0) <= MAX_TOP_TOKENS,
            f"`top_n_tokens` must be >= 0 and <= {MAX_TOP_TOKENS}. Given: {p.top_n_tokens}",
        ),
    ]
    for holds, words in rules:
        if not holds:
            raise Invalid(words)
