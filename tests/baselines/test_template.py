"""Promises of template prompting: one call a document, slots that are a pure function, a strong prompt."""

from __future__ import annotations

from bisect import bisect
from functools import cache
from typing import Any

import pytest

from builders.baselines import Template
from builders.corpora.base import Corpus, Exemplars
from builders.endpoints.errors import Incomplete, Rejected, Unauthorized
from builders.metasynth.memory import ContextTooSmallError, estimate_tokens
from builders.method import Attempt, Draft, Judgement, Rejection
from builders.seeds import draw_seeds, known_domains, load_hierarchy

hierarchy_of = cache(load_hierarchy)
REAL = tuple(f"REAL-{number} text." for number in range(20))


def accept(draft: Draft) -> Judgement:
    bad = Rejection("made-up", "holds the word BAD") if "BAD" in draft.text else None
    return Judgement(text=draft.text.strip(), rejection=bad)


def template(
    *, seed: int = 7, context_tokens: int = 4096, judge: Any = accept, domain: str = "biomed", **changes: Any
) -> Template:
    exemplars = changes.pop("exemplars", ())
    source = Exemplars(source="real.txt", per_prompt=2) if exemplars else None
    limits = {"previous_documents": 2, **changes}
    corpus = Corpus(name="test", domain=domain, method="template", exemplars=source, **limits)
    return Template(
        corpus=corpus,
        hierarchy=hierarchy_of(domain),
        corpus_seed=seed,
        decoding=corpus.decoding,
        context_tokens=context_tokens,
        judge=judge,
        narrate=lambda trajectory, event: None,
        exemplars=exemplars,
    )


async def run(method: Template, chat: Any, *, quota: int = 1, trajectory: int = 0) -> list[Attempt]:
    return [attempt async for attempt in method.attempts(trajectory=trajectory, quota=quota, chat=chat)]


def request(chat: Any, call: int) -> str:
    return chat.calls[call][0][-1]["content"]


# A pure function


async def test_a_trajectory_run_again_makes_identical_calls(imitation: Any) -> None:
    first, second = imitation(), imitation()
    attempts = await run(template(exemplars=REAL), first, quota=5)
    assert await run(template(exemplars=REAL), second, quota=5) == attempts
    assert first.calls == second.calls


async def test_a_smaller_quota_makes_the_same_first_calls(imitation: Any) -> None:
    few, many = imitation(), imitation()
    await run(template(exemplars=REAL), few, quota=2)
    await run(template(exemplars=REAL), many, quota=5)
    assert many.calls[:2] == few.calls


async def test_a_document_takes_one_call_with_a_seed_of_its_own(imitation: Any) -> None:
    chat = imitation()
    attempts = await run(template(), chat, quota=6)
    assert len(chat.calls) == len(attempts) == 6
    assert len({sampling.seed for _, sampling, _ in chat.calls}) == 6
    assert all(schema is None for _, _, schema in chat.calls)


@pytest.mark.parametrize("domain", known_domains())
def test_slots_are_drawn_from_the_trajectorys_seeds_and_the_domains_lists(domain: str) -> None:
    method, hierarchy = template(domain=domain), hierarchy_of(domain)
    drawn = [method.slots(trajectory, attempt) for trajectory in range(8) for attempt in range(8)]
    for place, slots in enumerate(drawn):
        seeds = draw_seeds(hierarchy, corpus_seed=7, trajectory=place // 8, k=6)
        assert set(slots.keywords) <= set(seeds.terms)
        assert 1 <= len(set(slots.keywords)) == len(slots.keywords) <= 3
        assert slots.genre in hierarchy.genres
        assert slots.audience in hierarchy.audiences
        assert slots.tone in hierarchy.tones
    assert drawn[:8] == [template(domain=domain).slots(0, attempt) for attempt in range(8)]
    assert drawn[:8] != [template(domain=domain, seed=8).slots(0, attempt) for attempt in range(8)]
    assert len({slots.genre for slots in drawn}) > 15
    assert len({slots.tone for slots in drawn}) > 6


# The prompt


async def test_the_prompt_holds_every_slot_and_the_limit(imitation: Any) -> None:
    chat, method = imitation(), template(max_words=222)
    await run(method, chat)
    slots = method.slots(0, 0)
    for slot in (slots.genre, *slots.keywords, slots.audience, slots.tone, "222 words", "biomedical"):
        assert slot in request(chat, 0)
    assert "examples" not in request(chat, 0)
    assert "do not repeat" not in request(chat, 0)


async def test_exemplars_are_resampled_for_every_call(imitation: Any) -> None:
    chat = imitation()
    await run(template(exemplars=REAL), chat, quota=8)
    shown = [tuple(real for real in REAL if f"\n{real}\n" in request(chat, call)) for call in range(8)]
    assert all(len(texts) == 2 for texts in shown)
    assert len(set(shown)) > 5


async def test_exemplars_are_shown_only_where_the_corpus_asks_for_them(imitation: Any) -> None:
    chat, method = imitation(), template()
    await run(Template(**{**vars(method), "exemplars": REAL}), chat)
    assert "REAL-" not in request(chat, 0)


async def test_the_last_generations_are_shown_cut_and_in_order(imitation: Any) -> None:
    long = " ".join(f"w{number}" for number in range(200))
    chat = imitation(["First.", long, "Third.", "Fourth."])
    await run(template(previous_documents=2), chat, quota=4)
    assert "do not repeat" not in request(chat, 0)
    assert "First." in request(chat, 1)
    last = request(chat, 3)
    assert "First." not in last
    assert last.index("w0 w1") < last.index("Third.")
    assert "w79" in last
    assert "w80" not in last


async def test_a_refused_draft_is_not_shown_as_an_earlier_text(imitation: Any) -> None:
    chat = imitation(["A BAD text.", "Good."])
    await run(template(), chat, quota=2)
    assert all("BAD" not in request(chat, call) for call in range(3))


async def test_no_earlier_text_is_shown_where_the_corpus_asks_for_none(imitation: Any) -> None:
    chat = imitation(["First."])
    await run(template(previous_documents=0), chat, quota=2)
    assert "First." not in request(chat, 1)


# The context


async def test_earlier_texts_give_way_oldest_first_and_exemplars_stay(imitation: Any) -> None:
    roomy, tight = imitation(), imitation()
    texts = [f"OLD{number} " + "pneumonoultramicroscopic " * 79 for number in range(3)]
    roomy.script, tight.script = [*texts], [*texts]
    await run(template(exemplars=REAL, context_tokens=8000), roomy, quota=3)
    await run(template(exemplars=REAL, context_tokens=1600), tight, quota=3)
    budget = 1600 - template().decoding.document_tokens
    assert "OLD0" in request(roomy, 2)
    assert "OLD0" not in request(tight, 2)
    assert "OLD1" in request(tight, 2)
    assert request(tight, 2).count("REAL-") == 2
    assert all(estimate_tokens(messages) <= budget for messages, _, _ in tight.calls)


@pytest.mark.parametrize("exemplars", [(), ("word " * 120,) * 3])
def test_a_context_that_is_too_small_is_noticed_before_any_call(exemplars: tuple[str, ...]) -> None:
    template(exemplars=exemplars).require_context()
    with pytest.raises(ContextTooSmallError, match="tokens"):
        template(exemplars=exemplars, context_tokens=800 if exemplars else 700).require_context()


def test_what_passes_the_context_check_fits_every_attempt() -> None:
    exemplars = ("word " * 60, "word " * 120, "short")
    smallest = bisect(range(8192), False, key=lambda size: _fits(exemplars, size))
    method = template(exemplars=exemplars, context_tokens=smallest)
    for trajectory in range(30):
        method._messages(method.slots(trajectory, 0), previous=["An earlier text."])


def _fits(exemplars: tuple[str, ...], size: int) -> bool:
    try:
        template(exemplars=exemplars, context_tokens=size).require_context()
    except ContextTooSmallError:
        return False
    return True


# Attempts


async def test_a_document_carries_its_slots_and_its_call(imitation: Any) -> None:
    chat, method = imitation([" A good text. "]), template()
    (attempt,) = await run(method, chat)
    document, slots = attempt.document, method.slots(0, 0)
    assert document is not None
    assert (document.text, document.n_tokens) == ("A good text.", len("A good text."))
    assert (document.genre, document.keywords) == (slots.genre, slots.keywords)
    assert (document.persona, document.summary) == ("", "")
    assert (document.model_id, document.model_sha) == ("imitation", "0")
    (call,) = attempt.trace
    assert (call.role, call.parent, call.output) == ("Template Writer", None, " A good text. ")
    assert call.instruction == request(chat, 0)


async def test_a_server_without_a_tokenizer_gives_the_tokens_it_counted(imitation: Any) -> None:
    (attempt,) = await run(template(), imitation(tokenizer=False))
    assert attempt.document is not None
    assert attempt.document.n_tokens == 99


async def test_a_refused_draft_drops_the_attempt_and_nothing_is_rewritten(imitation: Any) -> None:
    chat = imitation(["A BAD text.", "Good."])
    dropped, done = await run(template(), chat)
    assert dropped.document is None
    assert dropped.rejections == (Rejection("made-up", "holds the word BAD"),)
    assert [call.output for call in dropped.trace] == ["A BAD text."]
    assert done.document is not None
    assert request(chat, 0) != request(chat, 1), "the next attempt has slots of its own"


async def test_a_trajectory_gives_up_after_its_attempts(imitation: Any) -> None:
    chat = imitation(["BAD"] * 99)
    attempts = await run(template(attempts_per_document=3), chat, quota=2)
    assert [attempt.document for attempt in attempts] == [None] * 6


@pytest.mark.parametrize("error", [Incomplete("empty"), Rejected("too long")])
async def test_a_call_that_fails_for_good_drops_the_attempt(error: Exception, imitation: Any) -> None:
    failed, done = await run(template(), imitation([error]))
    assert failed.document is None
    assert failed.rejections == (Rejection("call-failed", str(error)),)
    assert done.document is not None


async def test_a_refused_key_stops_the_trajectory(imitation: Any) -> None:
    with pytest.raises(Unauthorized):
        await run(template(), imitation([Unauthorized("no key")]))


async def test_the_judge_sees_the_prompt_without_exemplars_and_earlier_texts(imitation: Any) -> None:
    seen: list[Draft] = []

    def judge(draft: Draft) -> Judgement:
        seen.append(draft)
        return accept(draft)

    chat = imitation(["First.", "Second."], finish_reason="length")
    method = template(exemplars=REAL, judge=judge)
    await run(method, chat, quota=2)
    system, told = seen[1].prompts
    assert system == chat.calls[1][0][0]["content"]
    assert "REAL-" not in told
    assert "First." not in told
    assert request(chat, 1).endswith(told)
    assert method.slots(0, 1).genre in told
    assert all(draft.cut for draft in seen)
