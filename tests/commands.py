"""Commands that pages of docs show, taken as the program takes them."""

import re
import shlex

from click import Context
from typer.main import get_command

from vidbench.cli import app


def find_commands(page: str) -> list[str]:
    """The lines of a page's sh and yaml blocks that call vidbench, without their comments."""
    return [
        line.partition("#")[0].strip()
        for block in re.findall(r"```(?:sh|yaml)\n(.*?)```", page, re.S)
        for line in re.findall(r"(?:^|run: |^ +|bin/)(vidbench (?!-e).*)", block.replace("\\\n", " "), re.M)
    ]


def resolve(command: str) -> Context:
    """The command with its options and their values; an error where there is none such."""
    context = get_command(app).make_context("vidbench", shlex.split(command)[1:])
    while getattr(context.command, "commands", None):
        name, *rest = context._protected_args + context.args  # how click hands them on
        context = context.command.commands[name].make_context(name, rest, parent=context)
    return context
