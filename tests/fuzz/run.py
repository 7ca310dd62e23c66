"""Run commands on damaged files, and report every end that is neither a result nor a refusal.

python -m tests.fuzz.run [FORMAT ...] [--seconds 60] [--seed 0] [--keep build/fuzz]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.formats import FORMATS, Format
from tests.fuzz.mutate import mutated

#: Seconds after which a command hangs.
_LIMIT = 90
_TEXT = (".csv", ".tsv", ".txt", ".json", ".geojson", ".gmt")
#: What commands import late; here before the process is forked, so that it takes its time once.
_USED = (
    "sequoia_model.embedding.one_slide", "sequoia_model.tiles.files", "sequoia_model.legacy", "sequoia_model.leakage",
    "sequoia_model.prediction", "sequoia_stats.io", "sequoia_stats.signature", "sequoia_stats.selection",
    "sequoia_stats.sets.gsva", "sequoia_stats.risk", "sequoia_stats.plots",
)  # fmt: skip
#: Ends that are as they should be.
_FINE = {"0", "2", "3"}


@dataclass(frozen=True)
class End:
    """How a command ended on one damaged file: an exit code, "unforeseen", a signal or "hang"; and what it said."""

    number: int
    victim: str
    how: str
    said: str

    @property
    def fine(self) -> bool:
        """Whether it is a result or a refusal that we worded."""
        return self.how in _FINE


def fuzz(
    form: Format, *, seed: int, seconds: float = 1e9, most: int = 10**9, keep: Path | None = None
) -> list[End]:
    """Damage files of a format, one at a time, and run its commands.

    The commands run in forked processes. So the caller must not have used torch or another library with threads of its
    own: a fork of such a process waits for ever.

    Parameters
    ----------
    form : Format
        What is damaged, and how it is read.
    seed : int
        Of the damage; file number i is the same in every run.
    seconds, most
        When to stop.
    keep : path, optional
        Folder for the files that fail.
    """
    for module in _USED:
        importlib.import_module(module)
    ends: list[End] = []
    stop = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        good = Path(place, "good")
        good.mkdir()
        for write in form.writers:
            write(good)
        while len(ends) < most and time.monotonic() < stop:
            ends += _batch(form, good, seed, len(ends), most, stop, keep)
    return ends


def _batch(
    form: Format, good: Path, seed: int, first: int, most: int, stop: float, keep: Path | None
) -> list[End]:
    """Cases in a forked process, which a crash may end; the last case is then the one that ended it."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as told:
                _cases(form, good, seed, range(first, most), stop, told)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    ends, number, victim = [], first, ""
    how = ""
    with os.fdopen(reader, "rb", buffering=0) as lines:
        waiting = b""
        while True:
            if not select.select([lines], [], [], _LIMIT)[0]:
                os.kill(process, signal.SIGKILL)
                how = "hang"
                break
            some = lines.read(65536)
            if not some:
                break
            *whole, waiting = (waiting + some).split(b"\n")
            for line in whole:
                word, *rest = line.decode("utf-8", "replace").split("\t", 3)
                if word == "begin":
                    number, victim = int(rest[0]), rest[1]
                else:
                    ends.append(End(number, victim, rest[0], rest[1].replace("\\n", "\n")))
                    _keep(form, good, seed, ends[-1], keep)
                    victim = ""
    status = os.waitpid(process, 0)[1]
    if victim:
        how = how or (signal.Signals(status & 127).name if status & 127 else f"exit {status >> 8}")
        ends.append(End(number, victim, how, ""))
        _keep(form, good, seed, ends[-1], keep)
    return ends


def _cases(form: Format, good: Path, seed: int, numbers: range, stop: float, told: io.TextIOBase) -> None:
    from sequoia_base import apart
    from sequoia_base.apart import parent

    parent._SECONDS = 2.0  # small files
    warnings.simplefilter("ignore")  # as the command line does
    for number in numbers:
        if time.monotonic() > stop:
            break
        folder = good.parent / "case"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(good, folder)
        victim = damage(form, folder, seed, number)
        print("begin", number, victim, sep="\t", file=told, flush=True)
        how, said = _run(form, folder)
        print("end", how, said.replace("\t", " ").replace("\n", "\\n"), sep="\t", file=told, flush=True)
    apart.end()


def damage(form: Format, folder: Path, seed: int, number: int) -> str:
    """Damage one file of a folder; returns its name."""
    draw = random.Random(f"{seed}/{number}")
    victims = sorted(path for pattern in form.victims for path in folder.glob(pattern) if path.is_file())
    victim = draw.choice(victims)
    content = mutated(victim.read_bytes(), draw, text=victim.suffix in _TEXT)
    victim.write_bytes(content)
    return str(victim.relative_to(folder))


def _run(form: Format, folder: Path) -> tuple[str, str]:
    """Run the commands until one is not done; the end of the last."""
    from sequoia_model.cli.app import run as run_model
    from sequoia_stats.cli.app import run as run_stats

    os.chdir(folder)
    programs = {"sequoia-model": run_model, "sequoia-stats": run_stats}
    code, said = 0, ""
    for command in form.commands:
        program, *words = command.split()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = programs[program](words)
            except BaseException as error:
                return "traceback", f"{type(error).__name__}: {error}"
        said = err.getvalue()
        if code:
            break
    unforeseen = "unforeseen error" in said or "Traceback" in said
    return ("unforeseen" if unforeseen else str(code)), said


def _keep(form: Format, good: Path, seed: int, end: End, keep: Path | None) -> None:
    if keep is None or end.fine:
        return
    folder = keep / f"{seed}-{end.number}-{end.how.replace(' ', '-')}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    damage(form, folder, seed, end.number)
    (folder / "command.txt").write_text("\n".join([*form.commands, "", end.said]))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Damage files of every format, and run the commands that read them."
    )
    parser.add_argument("formats", nargs="*", help=f"of {', '.join(FORMATS)}  [all]")
    parser.add_argument("--seconds", type=float, default=60, help="for each format  [60]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, default=Path("build", "fuzz"), help="files that fail  [build/fuzz]"
    )
    given = parser.parse_args()
    if unknown := sorted(set(given.formats) - FORMATS.keys()):
        parser.error(f"unknown: {', '.join(unknown)}")
    failed = 0
    for name in given.formats or FORMATS:
        ends = fuzz(FORMATS[name], seed=given.seed, seconds=given.seconds, keep=(given.keep / name).resolve())
        counts = Counter(end.how for end in ends)
        print(
            f"{name:15} {len(ends):6,} files: "
            + ", ".join(f"{how} {n:,}" for how, n in sorted(counts.items()))
        )
        bad = [end for end in ends if not end.fine]
        for end in bad[:20]:
            print(f"    {end.number} {end.victim} {end.how}: {' '.join(end.said.split())[:300]}")
        failed += len(bad)
        sys.stdout.flush()
    if failed:
        print(f"{failed:,} files failed; they are in {given.keep}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
