"""Running an application: the one place where errors become exit codes."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
import warnings
from concurrent.futures import BrokenExecutor
from importlib.metadata import version
from typing import Annotated

import typer

from sequoia_base.cli.output import print_json
from sequoia_base.errors import SequoiaError
from sequoia_base.runs import write_traceback

INTERRUPTED = 130
_KILLED = "it may have run out of memory: use fewer --jobs"


def new_app(name: str, text: str) -> typer.Typer:
    """An application without commands; `text` is the first line of ``--help``."""
    app = typer.Typer(
        name=name,
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    def show_version(wanted: bool) -> None:
        if wanted:
            print(f"{name} {version('sequoia-histology')}")
            raise typer.Exit

    shown = typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=show_version)

    def top(version: bool = False) -> None: ...

    top.__annotations__["version"] = Annotated[bool, shown]  # the callback knows the name of this application
    app.callback(help=text)(top)
    return app


def main(app: typer.Typer, arguments: list[str] | None = None, *, memory: str = "use less data") -> None:
    """Run a command and exit with its code; `memory` says what to do when memory runs out.

    0 done, 1 internal error or failing doctor, 2 bad input, 3 some of several inputs failed, 130 interrupted.
    The traceback of an internal error goes to a file that the message names; ``SEQUOIA_DEBUG=1`` shows it.
    """
    _quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a terminal that cannot show an arrow must not make a command fail
            stream.reconfigure(errors="backslashreplace")
    code = run(app, sys.argv[1:] if arguments is None else arguments, memory=memory)
    if code == INTERRUPTED:
        gc.collect()  # open files are closed here, before Python shuts down
    sys.exit(code)


def run(app: typer.Typer, arguments: list[str], *, memory: str = "use less data") -> int:
    """Run a command; returns its exit code."""
    as_json = "--json" in arguments
    try:
        code = app(args=arguments, prog_name=app.info.name, standalone_mode=False)
        code = code if isinstance(code, int) else 0
        if code == INTERRUPTED:  # typer turns Ctrl-C into this code
            print("interrupted", file=sys.stderr)
        return code
    except SequoiaError as error:
        _report(error.what, error.where, error.fix, as_json)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has stopped, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        _report(f"there is not enough memory: {error}", "", memory, as_json)
        return 1
    except BrokenExecutor as error:  # also of joblib
        _report(f"a worker process was killed: {str(error).partition(chr(10))[0]}", "", _KILLED, as_json)
        return 1
    except Exception as error:  # anything else is a bug, and is reported as one
        if type(error).__name__ == "NoArgsIsHelpError":  # of click: help was printed in place of an error
            print(error, file=sys.stderr)
            return 2
        if hasattr(error, "format_message"):  # a wrong option or argument: click's own errors
            message = error.format_message().replace(
                "Value error, ", "", 1
            )  # pydantic's, which typer passes on
            _report(message, "", "see --help", as_json)
            return 2
        if os.environ.get("SEQUOIA_DEBUG"):
            raise
        log = write_traceback(error, " ".join([str(app.info.name), *arguments]))
        proof = f"the traceback in {log}" if log else "the output of SEQUOIA_DEBUG=1"
        what = f"internal error: {type(error).__name__}: {error}"
        _report(what, "", f"this is a bug: please report it, with {proof}", as_json)
        return 1


def _quiet_libraries() -> None:
    """Keep warnings and log lines of libraries from the terminal, unless Python was told to show them.

    They speak of pixels and tags. What a user should know about a file, our own code says.
    """
    if not (sys.warnoptions or os.environ.get("SEQUOIA_DEBUG")):
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())


def _report(what: str, where: str, fix: str, as_json: bool) -> None:
    print(f"error: {SequoiaError(what, where=where, fix=fix)}", file=sys.stderr)
    if as_json:
        print_json({"error": {"what": what, "where": where, "fix": fix}})
