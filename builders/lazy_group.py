"""A click group whose commands are imported when they are called, and not before.

`--help` must answer at once, so the short help of each command is stated with its name.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from builders.errors import UserError


class LazyGroup(click.Group):
    """Loads `PACKAGE.NAME` with its `command` on demand; user errors become one line, exit 2.

    Args:
        package: where the command modules are.
        summaries: short help by command name.
    """

    def __init__(self, *args: Any, package: str, summaries: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order given."""
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self._summaries:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the user can mend is told in one line."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"{ctx.info_name}: {' '.join(str(error).split())}", err=True)
            sys.exit(2)
