"""The prompts of the method, as files. Every word that a model is told is in this folder."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

_ENVIRONMENT = Environment(  # noqa: S701 - plain text for a model, never HTML
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
)


@cache
def source(name: str) -> str:
    """The text of a prompt file, for example `experts/domain.md`."""
    return files(__package__).joinpath(name).read_text("utf-8")


def render(name: str, **values: object) -> str:
    """Fill in a prompt file; a value that the file asks for and does not get is a bug."""
    return render_text(source(name), **values)


def render_text(text: str, **values: object) -> str:
    """Fill in a prompt that is at hand."""
    return _template(text).render(**values).strip()


@cache
def _template(text: str) -> Template:
    """Compiled once: a build renders the same few prompts hundreds of thousands of times."""
    return _ENVIRONMENT.from_string(text)
