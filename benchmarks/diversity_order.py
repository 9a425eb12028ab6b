"""The diversity of corpora comes out in the order that any reader expects.

Promise, at equal size, on compression ratio, 1-gram and 4-gram diversity:

    filled templates < the template-prompted corpus of the embedded model
                    <= the MetaSynth corpus of the embedded model < real text

where < means that the 95 % intervals do not overlap, and <= that they do not in the other direction.
Exits 1 when it is missed.

    METASYNTH_DATA=FOLDER python benchmarks/diversity_order.py [--documents 60] [--corpora build/order]

`FOLDER/domain_text/biomed` holds the real text. The two corpora of the embedded model lie in `--corpora`, and
one that does not is left out; `--build` builds them there, which takes three quarters of an
hour on two quiet cores and goes on where it was stopped. A filled template is eight of twelve sentences with
keywords in their gaps.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from builders.diversity.corpus import Corpus, read_corpus
from builders.diversity.registry import chosen
from builders.diversity.report import Request, measure
from builders.seeds import load_hierarchy

if TYPE_CHECKING:
    from builders.diversity.records import MeasurementRecord

ROOT = Path(__file__).parents[1]
REAL = ("biomed/pubmedqa_abstracts", "biomed/ebmnlp_abstracts", "biomed/bc5cdr_abstracts")
NAMES = ("template-biomed", "metasynth-biomed")
JUDGED = ("compression-ratio", "1-gram-diversity", "4-gram-diversity")
SHOWN = (*JUDGED, "compression-ratio-zstd", "shared-openings", "repeated-skeletons")
SENTENCES = 8
TEMPLATES = (
    "In the ever-changing landscape of {a}, understanding {b} has become more important than ever before.",
    "It is important to note that {a} plays a vital role in the management of {b} and in patient care.",
    "Experts agree that {a} and {b} are closely related, and that both need careful attention over time.",
    "Recent studies have shown that {a} can have a significant impact on {b} in many different settings.",
    "By working together, doctors and patients can make sure that {a} is treated safely and effectively.",
    "There are many factors that affect {a}, such as {b}, and each of them should be taken into account.",
    "One of the main challenges in {a} is that {b} is often poorly understood by those who need it most.",
    "In addition, it is essential to consider how {a} can be combined with {b} to improve the outcomes.",
    "As research on {a} moves forward, new ways of dealing with {b} are expected to become available soon.",
    "Patients who are concerned about {a} should always talk to a health professional about {b} first.",
    "The benefits of {a} are clear, but the risks that come with {b} must not be forgotten at any time.",
    "In conclusion, {a} remains a key part of modern medicine, and {b} will continue to shape its future.",
)


def main() -> None:
    """Build what is not there, measure, exit 1 when the order is another."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=60, help="of each corpus")
    parser.add_argument("--corpora", type=Path, default=ROOT / "build" / "order", help="where the two lie")
    parser.add_argument("--build", action="store_true", help="build them first, or go on with it")
    arguments = parser.parse_args()
    if "METASYNTH_DATA" not in os.environ:
        print("skipped: it needs real text; set METASYNTH_DATA to the folder that holds domain_text/")
        return
    folders = [arguments.corpora / name for name in NAMES]
    if arguments.build:
        for folder in folders:
            build(folder, arguments.documents)
    finished = [folder for folder in folders if (folder / "build.json").exists()]
    for folder in folders:
        if folder not in finished:
            print(f"left out: {folder}, which is not finished; --build builds it, in less than an hour")
    corpora = [Corpus("filled templates", "", tuple(filled(arguments.documents)))]
    corpora += [read_corpus(str(folder)) for folder in finished]
    kept = [ordered([*corpora, real(source)], arguments.documents) for source in REAL]
    sys.exit(not all(kept))


def ordered(corpora: list[Corpus], documents: int) -> bool:
    """Measure the corpora, print them in columns, and tell whether their order is kept."""
    request = Request(corpora=corpora, metrics=chosen(SHOWN), documents=documents)
    report = measure(request, Silent())
    size = f"{report.corpora[0].n_documents} documents, {report.corpora[0].n_words} words of each"
    names = [corpus.name for corpus in corpora]
    print(f"\n{size:28}" + "".join(f"{name:>26}" for name in names))
    rows = list(zip(*(corpus.measurements for corpus in report.corpora), strict=True))
    for row in rows:
        print(f"{row[0].title:28}" + "".join(f"{told(found):>26}" for found in row))
    kept = True
    for row in rows:
        if row[0].metric in JUDGED:
            for (name, less), (next_name, more) in itertools.pairwise(zip(names, row, strict=True)):
                good = not below(more, less) if (name, next_name) == NAMES else below(less, more)
                kept &= good
                if not good:
                    print(f"MISSED: {row[0].title}: {name} before {next_name}")
    return kept


def below(less: MeasurementRecord, more: MeasurementRecord) -> bool:
    """Whether one is less diverse than the other, intervals apart."""
    if less.interval is None or more.interval is None:
        return False
    if less.more_diverse == "higher":
        return less.interval.high < more.interval.low
    return less.interval.low > more.interval.high


def told(found: MeasurementRecord) -> str:
    """A value and its interval."""
    interval = f"{found.interval.low:.3f}, {found.interval.high:.3f}" if found.interval else "-"
    return f"{found.value:.3f} [{interval}]"


def build(folder: Path, documents: int) -> None:
    """Build a corpus on the embedded model, or go on with it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = ["build", folder.name, "--documents", str(documents), "--seed", "1"]
    command = [Path(sys.executable).parent / "builders", *words, "--output", folder.parent]
    subprocess.run(command, check=True)


def filled(documents: int) -> list[str]:
    """Filled templates: sentences in a fixed order, with keywords of the field in their gaps."""
    draw = random.Random(0)
    keywords = [term for subfield in load_hierarchy("biomed").subfields for term in subfield.terms]
    return [
        " ".join(
            TEMPLATES[place].format(a=draw.choice(keywords), b=draw.choice(keywords))
            for place in sorted(draw.sample(range(len(TEMPLATES)), SENTENCES))
        )
        for _ in range(documents)
    ]


def real(source: str) -> Corpus:
    """Real text of the field."""
    path = Path(os.environ["METASYNTH_DATA"]) / "domain_text" / f"{source}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return Corpus(
            path.name.removesuffix(".jsonl.gz"), str(path), tuple(json.loads(line)["text"] for line in lines)
        )


class Silent:
    """A display that shows nothing."""

    def measuring(self, corpus: str, metric: str) -> None:
        """A metric begins on a corpus."""


if __name__ == "__main__":
    main()
