"""One self-contained HTML page of everything measured: `harness report`.

pieces       what a command left, read and checked
find         all pieces in a folder, and which are missing
listing      the pieces of a page, kept within it
artefacts    a piece's file, and figures that name the file and field they come from
formats      how a figure is written
corpus       sections of the page: corpora, their diversity and overlap with test items
training     ... the runs of continual pre-training, and what they forgot
benchmark    ... base against adapted
provenance   ... models, hashes, settings, versions
charts       the drawings
page         all of it together: `page.html`, its parts and `page.css`
outline      the same in a few lines for the terminal
checking     reads the figures of a page back and compares them with their sources
"""

from __future__ import annotations

from harness.report.checking import Difference, differences
from harness.report.find import Request, find
from harness.report.listing import is_report
from harness.report.outline import outline
from harness.report.page import remade, write_page

__all__ = ["Difference", "Request", "differences", "find", "is_report", "outline", "remade", "write_page"]
