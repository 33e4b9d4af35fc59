"""`--help` as every other page of the terminal: in the language of the process, no line cut."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from core.errors import Denied
from core.messages import has_message, translate

PANELS: Mapping[str, Set[str]] = {
    panel: dict.fromkeys(names.split()).keys()
    for panel, names in {
        "start": "demo init draft selftest lint",
        "night": "night status held versions extract feed refresh replay latency",
        "check": "verify unchecked pull ack adopt oneroster",
        "decide": "release rollback",
        "desk": "template upload uploads",
        "calendar": "flows calendar obligations confirm digest",
        "people": "persons number link unlink grants",
        "account": "login logout whoami account",
        "upkeep": "backup restore",
    }.items()
}
"""What one wants to do -> its commands, in the order in which `hub --help` lists them."""
_PLAIN = str.maketrans("", "", "{}")
_PIECES = {"[OPTIONS]": "cli.help_some_options", "COMMAND [ARGS]...": "cli.help_some_command"}


def _print_help(command: Any, context: Any) -> None:
    from cli.output import print_parts
    from cli.tables.grid import Grid, Prose

    pieces = " ".join(_format_piece(word) for word in command.collect_usage_pieces(context))
    usage = translate("cli.help_usage", None, command=context.command_path, pieces=pieces)
    parts: list[Any] = [Prose(usage), Prose(command.help or "")]
    for kind in ("argument", "option"):
        grid = Grid(translate(f"cli.help_{kind}s"))
        grid.column("", whole=True)
        grid.column("")
        for one in command.get_params(context):
            if one.param_type_name == kind:
                grid.row(_format_name(one), _format_help_text(one))
        parts += [grid] if grid.rows else []
    if isinstance(command, TyperGroup):
        parts += _build_panels(command, context)
    if has_message(f"example.{command.name}"):
        parts += [Prose(translate("cli.help_examples")), *(Prose(line, hang=4) for line in list_examples(command.name))]
    print_parts(*parts)


def _build_panels(group: TyperGroup, context: Any) -> list[Any]:
    """The commands of an application by what one wants to do; those of a smaller group in one list."""
    from cli.tables.grid import Grid

    present = group.list_commands(context)
    panels = [(f"cli.panel.{panel}", names) for panel, names in PANELS.items()] if set(present) >= PANELS["start"] else []
    grids = []
    for title, names in panels or [("cli.help_commands", dict.fromkeys(present).keys())]:
        grid = Grid(translate(title))
        grid.column("", whole=True)
        grid.column("")
        for name in names:
            found = group.get_command(context, name)
            grid.row(name, (found.help if found else "") or "")
        grids.append(grid)
    return grids


def list_examples(name: str) -> list[str]:
    """The lines, as they are typed, that show a command at work."""
    return [f"  hub {name} {line}" for line in translate(f"example.{name}").splitlines()]


_MISUSES = (
    ("missing", r"Missing (?:option|argument|parameter)"),
    ("no_option", r"No such option:? '?([^'( ]+)"),
    ("no_command", r"No such command '?([^'( ]+?)'?\."),
    ("extra", r"Got unexpected extra argument\S* \((.*)\)"),
    ("no_file", r"Invalid value for .* '(.*)' does not exist"),
    ("bad", r"Invalid value"),
)


def explain_misuse(error: TyperException) -> Denied:
    """What is wrong with the way in which a command was written, without the library's English."""
    said, found = error.format_message(), getattr(error, "param", None)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "hub"
    where = command if " " in command else f"{command} {translate('cli.help_some_command')}"
    for kind, sign in _MISUSES:
        if match := re.match(sign, said):
            thing = match[1] if match.groups() else _format_name(found) if found is not None else said
            return Denied("HUB893", where, reason_key=f"misuse.{kind}", thing=thing, command=command)
    return Denied("HUB893", where, reason_key="misuse.other", thing=said, command=command)


def _format_piece(word: str) -> str:
    return translate(_PIECES[word]) if word in _PIECES else word.upper().translate(_PLAIN)


def _format_name(one: Any) -> str:
    return str(one.name).upper() if one.param_type_name == "argument" else ", ".join(one.opts)


def _format_help_text(one: Any) -> str:
    if one.name == "help":
        return translate("cli.help_help")
    default = one.default
    shown = default is not None and not callable(default) and default not in (False, "", ())
    needed = translate("cli.help_needed") if one.required and one.param_type_name == "option" else ""
    return needed + (one.help or "") + (translate("cli.help_default", None, value=default) if shown else "")


class ReadableGroup(TyperGroup):
    """The application, whose help is written by `_told`."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _print_help(self, ctx)


class ReadableCommand(TyperCommand):
    """A command, whose help is written by `_told`."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _print_help(self, ctx)
