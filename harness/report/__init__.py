"""One self-contained HTML page of everything measured: `harness report`.

find         the pieces that other commands left in a folder, and which are missing
artefacts    a piece's file, and figures that name the file and field they come from
formats      how a figure is written
corpus       sections of the page: corpora, their diversity and overlap with test items
training     ... the runs of continual pre-training, and what they forgot
benchmark    ... base against adapted
provenance   ... models, hashes, settings, versions
charts       the drawings
page         all of it together: `page.html`, its parts and `page.css`
checking     reads the figures of a page back and compares them with their sources
"""

from __future__ import annotations

from harness.report.checking import Difference, differences
from harness.report.find import Request, find
from harness.report.page import write_page

__all__ = ["Difference", "Request", "differences", "find", "write_page"]
