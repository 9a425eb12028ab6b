from __future__ import annotations

import pytest

from builders.acceptance import Candidate, Degenerate

LOOPS = {
    "the same line": "The market is changing rapidly.\n" * 12,
    "the same sentence": "Inflation is a risk to bonds. " * 5,
    "a loop at the end": "{good} The bank is a bank of the country. The bank is a bank of the country. "
    "The bank is a bank of the country.",
    "a phrase without a stop": "{good} " + "and the company and the company is the company " * 20,
    "a short loop without a stop": "{good} To be " + "a role model is " * 9,
    "a paragraph twice": "{good}\n\n{good}",
    "two sentences in turn": "The fund rose by a little. The bond fell by a lot. " * 8,
    "one word": "growth " * 80,
    "numbers": " ".join(f"{n}." for n in range(1, 90)),
    "a counted list of one thing": "\n".join(
        f"{n}. The importance of risk management in banks" for n in range(9)
    ),
    "bullets only": "# Bonds\n"
    + "\n".join(f"- point {word} about bonds" for word in ["one", "two", "three", "four", "five"]),
    "headings only": "# Bonds\n## Yield\n## Duration\n## Convexity\n\n{good}",
}
PROSE = {
    "a term named three times": "Acetazolamide-induced Gerstmann syndrome. Confusion is known in renal "
    "failure. We report acetazolamide-induced Gerstmann syndrome in a patient with normal kidneys; "
    "acetazolamide-induced Gerstmann syndrome went away.",
    "a few bullets": "{good}\n\n- Rents slowed.\n- Used cars turned up.\n- Bonds rallied.\n- Stocks slept.",
    "headings over text": "# Prices\n\n{good}\n\n## Outlook\n\nThe auction on Thursday comes first.",
    "a refrain": 'He said no. "No," he said. No. {good}',
    "empty": "",
}


@pytest.mark.parametrize("kind", LOOPS)
def test_loops_and_outlines_are_degenerate(kind: str, good: str) -> None:
    rejection = Degenerate()(Candidate(LOOPS[kind].replace("{good}", good)))
    assert rejection is not None
    assert rejection.reason == "degenerate"
    assert "\n" not in rejection.detail


@pytest.mark.parametrize("kind", PROSE)
def test_prose_may_repeat_its_terms(kind: str, good: str) -> None:
    assert Degenerate()(Candidate(PROSE[kind].replace("{good}", good))) is None
