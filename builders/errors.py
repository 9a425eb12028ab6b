"""The one exception that means "the user can mend this"."""

from __future__ import annotations


class UserError(Exception):
    """A mistake or circumstance that the user can mend.

    The command line prints it as one line on stderr and exits with code 2; anything
    else that escapes is a bug and shows its traceback. The message names what is wrong
    (file, line, field) and the remedy.
    """
