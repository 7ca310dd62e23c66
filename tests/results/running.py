"""Run the commands of a case in this process, and read their outputs."""

from __future__ import annotations

import contextlib
import io
import shlex
from pathlib import Path

from tests.results.cases import Case
from tests.results.reading import Values, read_json, read_output


def run_command(line: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line, which begins with the name of the program."""
    from sequoia_model.cli.app import run as run_model
    from sequoia_stats.cli.app import run as run_stats

    program, *words = shlex.split(line)
    run = {"sequoia-stats": run_stats, "sequoia-model": run_model}[program]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    return code, out.getvalue(), err.getvalue()


def results_of(case: Case, folder: Path) -> Values:
    """All arrays, columns and numbers of a case, run in an empty folder."""
    for write in case.inputs:
        write(folder)
    values: Values = {}
    with contextlib.chdir(folder):
        for number, line in enumerate(case.commands, start=1):
            code, out, err = run_command(f"{line} --json")
            assert code == 0, f"{line}: exit code {code}\n{out}{err}"
            values |= read_json(out, f"stdout {number}")
        for output in case.outputs:
            values |= read_output(Path(output))
    return values
