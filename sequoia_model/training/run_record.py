"""The record of a run folder, ``run.json``: which settings made it, and what a run of other settings replaces."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sequoia_base.atomic import write_text
from sequoia_base.names import patient_of
from sequoia_base.results import jsonable
from sequoia_base.runs import HIDDEN
from sequoia_model.errors import InputError, listing
from sequoia_model.training.result import FoldRun
from sequoia_model.weights.side_file import SEEN, SIDE_FILE, SLIDES
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS

RUN, SUMMARY = "run.json", "summary.md"
#: Which command makes a run of each schema.
_COMMANDS = {"sequoia-run-1": "sequoia-model train", "sequoia-risk-1": "sequoia-model risk"}
_FOLD = re.compile(r"fold_\d+")


@dataclass(frozen=True)
class FolderRecord:
    """The record of the runs of one command.

    Parameters
    ----------
    output : path
        The run folder.
    schema : str
        Its first entry, by which another command's folder is told.
    learnt_from : str
        What the digest of the data covers, in words: "features, expression or patients".
    files : tuple of str
        Files and folders that a run makes beside its folds, its log and its summary.
    """

    output: Path
    schema: str
    learnt_from: str
    files: tuple[str, ...]

    def begin(self, settings: Mapping[str, Any], describe: Callable[[], None], *, force: bool) -> None:
        """Write what is known before the first fold; a run with the same settings goes on.

        Parameters
        ----------
        settings : mapping
            What the networks depend on, as plain values.
        describe : callable
            Writes the side file.
        force : bool
            Whether a run with other settings is replaced.

        Raises
        ------
        InputError
            If the folder holds a run with other settings, or other files and no run; if it cannot be written.
        """
        path = self.output / RUN
        before = self._read()
        if before is None:
            _refuse_other_files(self.output)
        other = [] if before is None else self._differences(before.get("settings", {}), settings)
        if other and not force:
            raise InputError(
                f"the run folder was made with other settings: {listing(other, 4)}",
                where=str(path),
                fix="give the same options to go on, another folder, or --force to train anew",
            )
        if before is not None and not other and (self.output / SIDE_FILE).is_file():
            return
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            self._remove()
        except OSError as error:
            what = f"the run folder cannot be written: {error.strerror}"
            raise InputError(what, where=str(self.output)) from None
        self._write({"finished": False, "settings": dict(settings)})
        describe()

    def finish(self, settings: Mapping[str, Any], **content: Any) -> None:
        """Write what the folds add up to."""
        self._write(
            {
                "finished": True,
                "settings": dict(settings),
                **content,
                "versions": versions(),
                "written": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )

    def settings_of_finished(self) -> dict[str, Any]:
        """The settings of a run that is finished.

        Raises
        ------
        InputError
            If there is none in the folder, it is one of another command, or folds are missing.
        """
        content = self._read()
        if content is None or not content.get("finished"):
            what = "there is no run in the folder" if content is None else "the run is not finished"
            fix = (
                f"give a folder of {_COMMANDS[self.schema]}"
                if content is None
                else "finish it with the command that began it"
            )
            raise InputError(what, where=str(self.output / RUN), fix=fix)
        return dict(content["settings"])

    def _write(self, content: Mapping[str, Any]) -> None:
        record = jsonable({"schema": self.schema, **content})
        write_text(self.output / RUN, json.dumps(record, indent=1) + "\n")

    def _read(self) -> dict[str, Any] | None:
        """The record; None if there is none."""
        path = self.output / RUN
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(
                "the record of the run cannot be read", where=f"{path} ({error})", fix="give another folder"
            ) from None
        if not isinstance(content, dict) or content.get("schema") != self.schema:
            found = content.get("schema") if isinstance(content, dict) else None
            maker = _COMMANDS.get(str(found))
            other = f", but one of {maker}" if maker else ""
            raise InputError(
                f"the folder holds no run of {_COMMANDS[self.schema]}{other}",
                where=str(path),
                fix="give another folder",
            )
        return content

    def _differences(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
        """What differs, in words: "lr is 0.001, not 0.01"."""
        long = {"data": f"{self.learnt_from} differ", "splits": "the splits differ"}
        return [
            long.get(name, f"{name} is {before.get(name)}, not {now.get(name)}")
            for name in dict.fromkeys([*now, *before])
            if jsonable(before.get(name)) != jsonable(now.get(name))
        ]

    def _remove(self) -> None:
        """Remove what a run with other settings has made, and nothing else."""
        output = self.output
        for name in (SIDE_FILE, SLIDES, SEEN, SUMMARY, *self.files):
            if (output / name).is_dir():
                shutil.rmtree(output / name, ignore_errors=True)
            else:
                (output / name).unlink(missing_ok=True)
        for item in (output / HIDDEN).glob("fold_*"):
            if item.is_dir():
                shutil.rmtree(item, ignore_errors=True)
            elif item.suffix != ".lock":  # another process may hold it
                item.unlink(missing_ok=True)
        for folder in output.iterdir():
            if _FOLD.fullmatch(folder.name) and folder.is_dir():
                for name in (CONFIG, SAFETENSORS):
                    (folder / name).unlink(missing_ok=True)
                with suppress(OSError):  # it holds files of somebody else, which stay
                    folder.rmdir()


def versions() -> dict[str, str]:
    """Versions of what a run was computed with."""
    return {name: version(name) for name in ("sequoia-histology", "torch", "numpy")}


def recorded_folds(runs: Sequence[FoldRun], digests: Sequence[str]) -> list[dict[str, Any]]:
    """What the record of a run says of its folds.

    Parameters
    ----------
    runs : sequence of FoldRun
        The folds, all done.
    digests : sequence of str
        SHA-256 of the network of each.
    """
    return [
        {name: value for name, value in run.to_dict().items() if name not in ("computed", "failure")}
        | {"sha256": sha256}
        for run, sha256 in zip(runs, digests, strict=True)
    ]


def untold_patients(slides: Sequence[str], patients: Iterable[str]) -> dict[str, str] | None:
    """The patient of each slide, for the side file; None where the names of the slides tell them all."""
    of_slides = dict(zip(slides, patients, strict=True))
    return None if all(patient_of(slide) == name for slide, name in of_slides.items()) else of_slides


def _refuse_other_files(output: Path) -> None:
    """Refuse a folder that holds files of somebody else; hidden ones are no one's work."""
    names = sorted(item.name for item in output.iterdir()) if output.is_dir() else []
    if foreign := [name for name in names if not name.startswith(".")]:
        raise InputError(
            f"the folder holds {listing(foreign, 3)}, but no {RUN}",
            where=str(output),
            fix="give another folder",
        )
