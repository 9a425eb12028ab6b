from __future__ import annotations

import subprocess
import sys

import pytest

from builders.acceptance import Candidate, English

FOREIGN = {
    "fr": "La Banque centrale a relev\u00e9 son taux directeur d'un quart de point, en invoquant la hausse "
    "des loyers et la faiblesse de la monnaie face au dollar.",
    "de": "Der Patient wurde mit akuten Brustschmerzen aufgenommen; der Blutdruck war erh\u00f6ht, und das "
    "EKG zeigte keine frischen Ver\u00e4nderungen.",
    "es": "El banco central subi\u00f3 los tipos de inter\u00e9s en un cuarto de punto para contener la "
    "inflaci\u00f3n, que alcanz\u00f3 el cinco por ciento en marzo.",
    "zh": "\u60a3\u8005\u56e0\u80f8\u75db\u5165\u9662\uff0c\u8840\u538b\u5347\u9ad8\uff0c"
    "\u63a5\u53d7\u4e86\u8fdb\u4e00\u6b65\u68c0\u67e5\u3002",
}


@pytest.mark.parametrize("code", FOREIGN)
def test_other_languages_are_rejected_by_name(code: str) -> None:
    rejection = English()(Candidate(FOREIGN[code] * 3))
    assert rejection is not None
    assert rejection.reason == "not-english"
    assert f"'{code}'" in rejection.detail


@pytest.mark.parametrize("code", FOREIGN)
def test_a_drift_into_another_language_is_rejected(code: str, good: str) -> None:
    assert English()(Candidate(f"{good} {good} {FOREIGN[code] * 20}")) is not None


def test_english_with_foreign_names_and_figures_passes(good: str) -> None:
    names = "Soci\u00e9t\u00e9 G\u00e9n\u00e9rale and Cr\u00e9dit Agricole fell 2.3 percent in Paris. "
    assert English()(Candidate(names + good)) is None
    assert (
        English()(Candidate("Shr 10 cts vs 9 cts\nNet 358,941 vs 299,838\nRevs 8,645,289 vs 4,532,175"))
        is None
    )


def test_importing_the_checks_does_not_load_the_language_model() -> None:
    code = "import sys, builders.acceptance; sys.exit('py3langid' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
