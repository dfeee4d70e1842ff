"""The command line. Each command lives in its own module and loads only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from crmlab import __version__
from crmlab.errors import CrmlabError

__all__ = ["main"]

# command -> (module, function, one line of help), in the order of --help
_COMMANDS = {
    "simulate": ("simulate", "Write a simulated bank."),
    "import": ("importing", "Turn a public data set or a flat file into a bank."),
    "check": ("check", "Check a bank against the contract."),
    "list": ("listing", "List the questions, the tables they need and their parameters."),
    "run": ("run", "Answer questions about a bank and write the report."),
    "present": ("present", "Write the deck of a run: HTML, PowerPoint, PDF."),
    "new": ("new", "Start a notebook for a question of your own."),
}


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        return import_module(f"crmlab.cli.{_COMMANDS[name][0]}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="crmlab")
def _cli() -> None:
    """Answer a bank's CRM questions from its tables, with numbers that can be defended."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a refusal prints its text and exits with 2.

    >>> main(["--version"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    try:
        _cli.main(args=arguments, prog_name="crmlab")
    except CrmlabError as refusal:
        click.echo(f"crmlab: {refusal}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
