"""Write docs/cli.md from the commands' own help; with --check, fail when it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from builders.cli import main as builders
from harness.cli import main as harness

PAGE = Path(__file__).with_suffix(".md")
WIDTH = 100


def help_of(name: str, command: click.Command, *, parent: click.Context | None = None) -> str:
    """The help of a command and of its subcommands, as Markdown."""
    context = click.Context(
        command, info_name=name, parent=parent, max_content_width=WIDTH, terminal_width=WIDTH
    )
    level = "###" if parent else "##"
    text = f"{level} `{context.command_path}`\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for subname in command.list_commands(context):
            subcommand = command.get_command(context, subname)
            assert subcommand is not None
            text += "\n" + help_of(subname, subcommand, parent=context)
    return text


def page() -> str:
    """The whole page."""
    head = "# Command line\n\nWritten by `make docs` from the commands' own `--help`.\n\n"
    return head + help_of("builders", builders) + "\n" + help_of("harness", harness)


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text("utf-8") != page():
            sys.exit("docs/cli.md is stale: run `make docs`")
    else:
        PAGE.write_text(page(), "utf-8")
