"""The page: its parts filled with the pieces, in one file that loads nothing and runs nothing.

Its Content-Security-Policy allows no script at all, and no style but its own, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from builders import __version__
from builders.dataset.untrusted import one_line
from builders.errors import UserError
from harness.report import benchmark, corpus, provenance, training, warnings
from harness.report.artefacts import token
from harness.report.listing import NAME, listed, listing

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.pieces import Pieces


def write_page(pieces: Pieces, target: Path) -> None:
    """Write the page, whole or not at all; equal files give an equal page.

    Raises:
        UserError: it cannot be written.
    """
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(page(pieces, target), encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UserError(
            f"--output {target}: cannot write it ({error.strerror or error}); name another file"
        ) from None


def remade(target: Path) -> str:
    """A page as its pieces would give it now.

    Raises:
        UserError: one of them is gone or damaged, or it is no page of a report.
    """
    return page(listed(target), target)


def page(pieces: Pieces, target: Path) -> str:
    """The page as HTML, for a file: the sources are named relative to its folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__, "parts"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"line": one_line, "token": token}
    style = package_files(__package__).joinpath("page.css").read_text("utf-8")
    return environment.get_template("page.html").render(
        pieces=pieces,
        title=_title(pieces),
        listing_name=NAME,
        listing=listing(pieces, target),
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        version=__version__,
        corpus=corpus,
        training=training,
        benchmark=benchmark,
        provenance=provenance,
        warnings=warnings,
    )


def _title(pieces: Pieces) -> str:
    """The adapted models, or the corpora; whatever there is."""
    names = [one.facts.name for one in pieces.models] or [one.facts.name for one in pieces.corpora]
    names = names or [one.report.second.name for one in pieces.comparisons]
    return one_line(", ".join(names[:3]) + (", ..." if len(names) > 3 else "")) or "Diversity"
