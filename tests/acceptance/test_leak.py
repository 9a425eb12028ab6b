from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.acceptance import Candidate, PromptLeak

PROMPT = """You are a seasoned bond trader. Write for readers who know the field, with names and
figures, and never open with a general remark about the economy.
Keywords: hedge fund, yield curve, duration, repo market
Mention the United States Securities and Exchange Commission in Washington, DC."""

RESIDUES = [
    "ROUND 3:\n",
    "Expert Writer:\n",
    "Keyword Extraction Expert:\n",
    '"""',
    "<|im_start|>assistant\n",
    "<|im_end|>",
    "### Instruction:\n",
    "[INST] ",
    "</s>",
    ">> FINAL ANSWER:\n",
    "The text is at most 400 words. ",
    "Write a detailed news article about repo markets. ",
    "You are an expert in finance. ",
    "Your task is to explain repo. ",
]
NEAR_MISSES = [
    "Expert Opinion: the drug is safe. ",
    "In round 3 the judges scored 10 to 9. ",
    "<S> shares rose, and P < 0.05. ",
    "## Response\n\nAll patients improved. ",
    "She was asked to write the committee a letter. ",
    "Experts write. ",
    "The keywords of the speech were thrift and order. ",
]


@pytest.mark.parametrize("residue", RESIDUES)
@pytest.mark.parametrize("place", ["{residue}{good}", "{good}\n\n{residue}"])
def test_remnants_of_instructions_and_templates_leak(residue: str, place: str, good: str) -> None:
    text = place.replace("{residue}", residue).replace("{good}", good)
    assert reason(text) == "prompt-leak"


@pytest.mark.parametrize("words", NEAR_MISSES)
def test_words_that_look_like_instructions_pass(words: str, good: str) -> None:
    assert reason(words + good) is None
    assert reason(f"{good}\n\n{words}") is None


def test_a_sentence_of_the_prompt_leaks_whatever_its_case_and_punctuation(good: str) -> None:
    copied = "NEVER OPEN - with a 'general remark' about the economy"
    rejection = PromptLeak()(Candidate(f"{good} {copied}", (PROMPT,)))
    assert rejection is not None
    assert rejection.detail == (
        'copies 9 words of its instruction: "never open with a general remark about the economy"'
    )


def test_seven_shared_words_are_chance_and_eight_are_a_leak(good: str) -> None:
    assert reason(f"{good} open with a general remark about the", PROMPT) is None
    assert reason(f"{good} never open with a general remark about the", PROMPT) == "prompt-leak"


@pytest.mark.parametrize(
    "list_",
    [
        "hedge fund, yield curve, duration, repo market",
        "Hedge fund\n- yield curve\n- duration\n- repo market",
    ],
)
def test_the_keyword_list_in_the_prompts_order_leaks(list_: str, good: str) -> None:
    assert reason(f"{good}\n{list_}", PROMPT) == "prompt-leak"


def test_using_the_keywords_is_no_leak(good: str) -> None:
    used = "A hedge fund bet on the yield curve; its duration hurt when the repo market froze."
    assert reason(f"{good} {used}", PROMPT) is None


def test_an_allowed_name_is_no_leak_but_the_words_around_it_are(good: str) -> None:
    name = "United States Securities and Exchange Commission in Washington, DC"
    assert reason(f"{good} {name}", PROMPT) == "prompt-leak"
    assert reason(f"{good} {name}", PROMPT, allowed=(name,)) is None
    assert reason(f"{good} Mention the {name}", PROMPT, allowed=(name,)) == "prompt-leak"


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), max_size=40)


@given(document=WORDS, prompt=WORDS, words=st.integers(2, 5))
def test_a_leak_is_exactly_a_shared_run(document: list[str], prompt: list[str], words: int) -> None:
    found = PromptLeak(words=words)(Candidate(" ".join(document), (" ".join(prompt),)))
    runs = [" ".join(prompt[i : i + words]) for i in range(len(prompt) - words + 1)]
    shared = any(f" {run} " in f" {' '.join(document)} " for run in runs)
    assert (found is not None) == shared


def reason(text: str, *prompts: str, allowed: tuple[str, ...] = ()) -> str | None:
    rejection = PromptLeak(allowed=allowed)(Candidate(text, prompts))
    return rejection.reason if rejection else None
