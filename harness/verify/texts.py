"""A file as it is, beside the same file made anew."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from builders.dataset.untrusted import one_line
from builders.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 120
FEW = 400
"""Lines among which the nearest to a missing one is looked for, on either side of its place."""


def same_figures(path: Path, anew: str, *, remedy: str) -> None:
    """See that a text holds every line with a figure that its records give, and no other such line.

    Prose without figures may be a person's; a line with figures may not.

    Raises:
        UserError: names the file, the line, and both versions of it.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}): {remedy}") from None
    wanted = anew.splitlines()
    there, known = set(lines), set(wanted)
    for number, line in enumerate(lines, 1):
        if _has_figure(line) and line not in known:
            around = [one for one in wanted[max(number - FEW, 0) : number + FEW] if one not in there]
            near = get_close_matches(line[:SHOWN], [one[:SHOWN] for one in around], n=1, cutoff=0.3)
            full = next((one for one in around if near and one.startswith(near[0])), None)
            given = f"the records give: {excerpt(full, beside=line)}" if full else "in no record"
            raise UserError(f"{path}, line {number}: {excerpt(line, beside=full or line)}; {given}; {remedy}")
    for line in wanted:
        if _has_figure(line) and line not in there:
            raise UserError(f"{path}: a line is missing: {excerpt(line, beside='')}; {remedy}")


def excerpt(line: str, *, beside: str) -> str:
    """A line, short, around the place where it first differs from another."""
    first = next((at for at, (a, b) in enumerate(zip(line, beside, strict=False)) if a != b), 0)
    begin = max(first - SHOWN // 2, 0) if len(line) > SHOWN else 0
    end = begin + SHOWN
    return ("..." if begin else "") + one_line(line[begin:end]) + ("..." if len(line) > end else "")


def same_value(path: Path, field: str, told: object, found: object, *, remedy: str) -> None:
    """See that a record says what it was made from.

    Raises:
        UserError: names the file, the field, and both values.
    """
    if isinstance(told, float) or isinstance(found, float):
        assert isinstance(told, int | float)
        assert isinstance(found, int | float)
        alike = abs(told - found) <= 1e-9 * max(abs(told), abs(found), 1.0)
    else:
        alike = told == found
    if not alike:
        raise UserError(f"{path}: field {field}: {told}, but it comes to {found}; {remedy}")


def _has_figure(line: str) -> bool:
    return any(character.isdigit() for character in line)
