"""Files: inputs that must exist, and outputs that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sequoia_base.errors import InputError, listing


def existing_file(path: str | Path) -> Path:
    """The path of an input, which must be a file.

    Raises
    ------
    InputError
        If it is a folder or a broken link, or nothing has this name.
    """
    path = Path(path)
    if os.path.isdir(path):  # unlike Path.is_dir, without an error for a name that is too long
        raise InputError("a folder was given where a file is needed", where=str(path))
    if os.path.islink(path) and not os.path.exists(path):
        raise InputError("the file is a broken symbolic link", where=str(path))
    if not os.path.exists(path):  # a pipe is as good as a file
        raise InputError("the file does not exist", where=str(path))
    return path


def refuse_existing(
    path: str | Path, *, force: bool, files: Collection[str] = (), inputs: Iterable[str | Path | None] = ()
) -> None:
    """Stop before any work is done if the output exists, or its folder does not.

    Parameters
    ----------
    path : path
        The output.
    force : bool
        Whether an existing output may be replaced.
    files : collection of str, optional
        For an output folder, the names of its files; a folder that holds anything else is never replaced.
    inputs : iterable of path, optional
        What the command reads, which is never replaced; words that are not files are ignored.

    Raises
    ------
    InputError
        If `path` exists and `force` is False; if it holds the working folder, an input or other files, or cannot be a
        file or a folder; if its parent folder does not exist or cannot be written to.
    """
    try:
        path = Path(path).resolve()
        there, parent = path.exists(), path.parent.is_dir()
    except OSError as error:  # a name that is too long
        raise InputError(f"the output cannot have this name: {error.strerror}", where=str(path)) from None
    if not parent:
        raise InputError(
            "the folder of the output does not exist", where=str(path.parent), fix="create it first"
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError("the folder of the output cannot be written to", where=str(path.parent))
    if there and (Path.cwd().is_relative_to(path) or not (path.is_file() or path.is_dir())):
        raise InputError("the output cannot be replaced", where=str(path), fix="give another name")
    if there and not force:
        raise InputError("the output already exists", where=str(path), fix="give another name, or --force")
    if there:
        _refuse_other_kind(path, folder=bool(files))
    if there and any(_is_inside(item, path) for item in inputs if item is not None):
        raise InputError("the output would replace an input", where=str(path), fix="give another name")
    foreign = (
        sorted(item.name for item in path.iterdir() if item.name not in files) if there and files else []
    )
    if foreign:
        raise InputError(
            f"the folder also holds {listing(foreign)}, which would be lost",
            where=str(path),
            fix="give another name",
        )


def refuse_other_ending(path: str | Path, ending: str, what: str) -> None:
    """Refuse an output that does not have the ending of its format.

    Parameters
    ----------
    path : path
        The output.
    ending : str
        The ending, with its dot.
    what : str
        What is written, with its verb: "a cohort is".

    Raises
    ------
    InputError
        If `path` ends in anything else.
    """
    path = Path(path)
    if path.suffix != ending:
        raise InputError(
            f"{what} written as {ending}, not {path.suffix or 'without an ending'}",
            where=str(path),
            fix=f"-o {path.stem}{ending}",
        )


@contextmanager
def new_file(path: str | Path) -> Iterator[Path]:
    """A temporary path next to `path`, which takes its place when the block ends without an error."""
    path = Path(path).resolve()
    _refuse_other_kind(path, folder=False)
    with _written(path):
        # the suffix stays, since writers choose their format by it
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder next to `path`, which takes its place when the block ends without an error."""
    path = Path(path).resolve()
    _refuse_other_kind(path, folder=True)
    with _written(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            if path.exists():
                old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
                path.replace(old)
                try:
                    temporary.replace(path)
                except BaseException:  # also Ctrl-C: the old folder must come back
                    old.replace(path)
                    raise
                shutil.rmtree(old)
            else:
                temporary.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_disk(path: Path) -> None:
    """Flush a file to the disk before it gets its name, so that it is whole even after a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise InputError(f"the output cannot be written: {error.strerror}", where=str(path)) from None
    finally:
        os.close(handle)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Turn a full disk, a size limit or a place that cannot hold files into an error that names the output."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"the output cannot be written: {reason}", where=str(path)) from None


def _is_inside(item: str | Path, path: Path) -> bool:
    """Whether `item` is an existing file or folder, and is `path` or lies in it."""
    try:
        return Path(item).exists() and Path(item).resolve().is_relative_to(path)
    except (OSError, ValueError):  # a name that no file can have
        return False


def _refuse_other_kind(path: Path, folder: bool) -> None:
    if path.exists() and path.is_dir() != folder:
        wanted, found = ("folder", "file") if folder else ("file", "folder")
        raise InputError(f"the output must be a {wanted}, but a {found} has its name", where=str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
