"""Commands ``convert`` whose options are those of the formats that they read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import Enum, StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from sequoia_stats.io import Option, Reader


def group_with_convert(module: str, readers: str) -> type[TyperGroup]:
    """A group with a command `convert`, which is built when it is called: to import the formats takes time.

    Parameters
    ----------
    module : str
        Where the function ``convert`` is, which takes the options of the formats as keywords.
    readers : str
        The table of formats in `sequoia_stats.io`.
    """

    class Group(TyperGroup):
        """Looks `convert` up."""

        def list_commands(self, ctx: Any) -> list[str]:
            """Names, in the order of the help."""
            return ["convert", *super().list_commands(ctx)]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """The command with this name."""
            if cmd_name != "convert":
                return super().get_command(ctx, cmd_name)
            made = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            table = getattr(import_module("sequoia_stats.io"), readers)
            made.command("convert")(_with_options_of_formats(import_module(module).convert, table))
            return typer.main.get_command(made)

    return Group


def _with_options_of_formats(
    command: Callable[..., None], readers: Mapping[str, Reader]
) -> Callable[..., None]:
    """A typer command that takes the options of every format and passes them on by name."""
    known: dict[str, Option] = {}
    for option in (option for reader in readers.values() for option in reader.options):
        same = replace(known.setdefault(option.name, option), help=option.help)
        if same != option:
            raise ValueError(
                f"two formats define {option.flag} differently: {known[option.name]} and {option}"
            )
    parameters = dict(inspect.signature(command, eval_str=True).parameters)
    del parameters["options"]
    format_ = parameters["format_"]
    choice = _choice(["auto", *readers])
    parameters["format_"] = format_.replace(annotation=Annotated[choice, *format_.annotation.__metadata__])
    last = [parameters.pop(name) for name in ("force", "as_json")]
    own = [_parameter(option, readers) for option in known.values()]

    def convert(**values: Any) -> None:
        for name, value in values.items():
            if isinstance(value, Enum):
                values[name] = value.value
            elif name in known and known[name].several and value is not None:
                values[name] = [word.strip() for word in value.split(",") if word.strip()]
            elif name in known and known[name].repeated:
                values[name] = list(value or ()) or None
        command(**values)

    convert.__doc__ = command.__doc__
    convert.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # its stubs lack it
        [p.replace(kind=p.KEYWORD_ONLY) for p in (*parameters.values(), *own, *last)]
    )
    return convert


def _parameter(option: Option, readers: Mapping[str, Reader]) -> inspect.Parameter:
    """An option of a format as typer takes it; its help names the formats that have it."""
    helps: dict[str, list[str]] = {}
    for name, reader in readers.items():
        for own in reader.options:
            if own.name == option.name:
                helps.setdefault(own.help, []).append(name)
    text = " ".join(f"{', '.join(names)}: {words}" for words, names in helps.items())
    kind: Any = _choice(option.choices) if option.choices else option.kind
    if option.repeated:
        kind = list[kind]
    metavar = "TEXT" if option.repeated else None
    annotation = Annotated[kind | None, typer.Option(option.flag, help=text, metavar=metavar)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _choice(values: Iterable[str]) -> Any:
    """A type that typer restricts to some values."""
    return StrEnum("Choice", {value: value for value in values})
