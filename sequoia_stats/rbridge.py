"""The bridge to R: starts R once, copies arrays, and turns R's errors into exceptions.

This is the only module that imports rpy2. R runs inside this process and is not re-entrant, so a lock guards every
call; another process starts its own R at its first call.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.checks import is_at_least
from sequoia_stats.errors import REvaluationError, RUnavailableError

logger = logging.getLogger(__name__)

#: Oldest versions of R and of R packages that this package is tested with.
OLDEST = {"R": "4.2", "glmnet": "4.1", "survival": "3.4"}
#: The R packages that the project uses, each with its Debian package.
R_PACKAGES = {
    "glmnet": "r-cran-glmnet",
    "survival": "r-cran-survival",
    "GSVA": "r-bioc-gsva",
    "psych": "r-cran-psych",
    "jsonlite": "r-cran-jsonlite",
}
_LARGEST_INTEGER = np.iinfo(np.int32).max  # and -_LARGEST_INTEGER - 1 is R's NA
_BLOCK = 2**16
_HUGE = 2**22
_lock = threading.RLock()
_session: _Session | None = None


def r_source(name: str) -> Path:
    """Path of one of our R files: beside this module if installed, in ``r/`` of a checkout otherwise."""
    here = Path(__file__).resolve().parent
    for folder in (here / "r", here.parent / "r"):
        if (folder / name).is_file():
            return folder / name
    raise RUnavailableError(f"the R file {name} is missing from the installation", where=str(here))


def r_home() -> Path | None:
    """R's home folder by R_HOME or the PATH; None without R. Does not start R."""
    if home := os.environ.get("R_HOME"):
        return Path(home) if Path(home).is_dir() else None
    if (program := shutil.which("R")) is None:
        return None
    lines = _output(program, "RHOME").strip().splitlines()
    return Path(lines[-1]) if lines and Path(lines[-1]).is_dir() else None


def r_version_installed() -> str | None:
    """Version of the R on this machine ("4.2.2"), as R itself reports it; None without R. Does not start R here."""
    if (home := r_home()) is None:
        return None
    found = re.search(r"R version (\d+\.\d+\.\d+)", _output(home / "bin" / "R", "--version"))
    return found.group(1) if found else None


def _output(program: str | Path, option: str) -> str:
    """What a program prints; an empty text if it cannot be run."""
    try:
        return subprocess.run([program, option], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def bridge_install_command(r_version: str | None) -> str:
    """The command that installs an rpy2 that fits this R: rpy2 3.6 and later need the C interface of R 4.5."""
    if r_version is None or is_at_least(r_version, "4.5"):
        return "pip install rpy2"
    return "pip install --no-binary rpy2 rpy2==3.5.17"


def start() -> _Session:
    """Start R in this process, once.

    Raises
    ------
    RUnavailableError
        If R or rpy2 is missing or too old, or if they do not work together.
    """
    global _session
    with _lock:
        if _session is None:
            _session = _start()
        return _session


def versions(packages: tuple[str, ...] = tuple(R_PACKAGES)) -> dict[str, str]:
    """Versions of R and of R packages, "" for a package that is not installed. Starts R."""
    session = start()
    with _lock, session.output_to_log(), _interruptible(session.callbacks):
        return {
            key: str(value) for key, value in session.run("bridge_versions", {"packages": packages}).items()
        }


def bridge_description() -> str:
    """Version of rpy2 and how it was built: "3.5.17, cffi ABI mode". Starts R."""
    start()
    from rpy2.rinterface_lib import openrlib
    from rpy2.rinterface_lib.ffi_proxy import get_ffi_mode

    mode = get_ffi_mode(openrlib._rinterface_cffi).name
    return f"{metadata.version('rpy2')}, cffi {mode} mode"


def require(*packages: str) -> None:
    """Check that R packages are installed and new enough.

    Raises
    ------
    RUnavailableError
        With the package and the command that installs it.
    """
    for name, version in versions(packages).items():
        if not version:
            raise RUnavailableError(
                f"the R package {name} is not installed",
                fix=f"sudo apt-get install {R_PACKAGES.get(name, f'r-cran-{name.lower()}')}, "
                f"or in R: install.packages('{name}')",
            )
        if name in OLDEST and not is_at_least(version, OLDEST[name]):
            what = "R" if name == "R" else f"the R package {name}"
            raise RUnavailableError(f"{what} is {version}, but {OLDEST[name]} or later is needed")


def call(source: str, function: str, /, **arguments: Any) -> Any:
    """Call a function of one of our R files.

    Parameters
    ----------
    source : str
        Name of a file in ``r/``, which is read once per process.
    function : str
        Name of a function defined in it.
    **arguments
        Its arguments: None, bool, int, float, str, sequences of these, or numpy arrays of one or two dimensions.

    Returns
    -------
    dict, list, ndarray, float, int, bool, str or None
        Named lists of R become dicts, vectors of length one scalars, and matrices 2-D arrays.

    Raises
    ------
    REvaluationError
        If R stops with an error; with R's message and call.
    RUnavailableError
        If R cannot be used.
    """
    session = start()
    with _lock, session.output_to_log(), _interruptible(session.callbacks):
        session.load(source)
        answer = session.run("bridge_call", {"name": function, "arguments": arguments}, functions=True)
    for text in _as_list(answer.get("warnings")):
        logger.warning("R warns in %s: %s", function, text)
    if not answer["ok"]:
        raise REvaluationError(answer["message"], answer["call"])
    return answer.get("value")


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _start() -> _Session:
    if (home := r_home()) is None:
        raise RUnavailableError(
            "R was not found on this machine",
            where=f"R_HOME is {os.environ['R_HOME']}" if "R_HOME" in os.environ else "no R on the PATH",
            fix=f"sudo apt-get install r-base-core {' '.join(R_PACKAGES.values())}",
        )
    version = r_version_installed()
    if version and not is_at_least(version, OLDEST["R"]):
        raise RUnavailableError(f"R is {version}, but {OLDEST['R']} or later is needed", where=str(home))
    try:
        with _environment_given_back(), warnings.catch_warnings():
            # this mode needs no compiled code, so it is the same on every machine; arrays go by pointer anyway
            os.environ.setdefault("RPY2_CFFI_MODE", "ABI")
            # rpy2 warns if a second thread is the first to call, but the lock covers that
            warnings.simplefilter("ignore")
            import rpy2.rinterface as rinterface
            import rpy2.rinterface_lib.callbacks as callbacks

            with _interruptible(callbacks):
                rinterface.initr()
    except ModuleNotFoundError as error:
        raise RUnavailableError(
            f"the Python package rpy2 is not installed ({error})", fix=bridge_install_command(version)
        ) from None
    except Exception as error:  # rpy2 fails in many ways with an R that it was not built for
        raise RUnavailableError(
            f"the installed rpy2 cannot load R {version}: {error}", fix=bridge_install_command(version)
        ) from error
    session = _Session(rinterface, callbacks, rinterface.baseenv["new.env"](), set())
    with session.output_to_log():
        session.load("bridge.R")
    return session


@contextlib.contextmanager
def _environment_given_back() -> Iterator[None]:
    """Undo what R and rpy2 change in the environment, except for R's own R_* variables.

    Programs that are started later inherit the environment, and LD_LIBRARY_PATH alone can make them load other
    libraries, even another libpython.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        for key in [key for key in os.environ if not key.startswith("R_") and key not in before]:
            del os.environ[key]
        os.environ.update(before)


@contextlib.contextmanager
def _interruptible(callbacks: Any) -> Iterator[None]:
    """Let Ctrl-C stop R, or at least what follows: rpy2 would lose a KeyboardInterrupt inside a callback."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    library, pressed = callbacks.openrlib.rlib, []

    def note(*_: object) -> None:
        pressed.append(True)
        library.R_interrupts_pending = 1

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        library.R_interrupts_pending = 0
        if pressed:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class _Session:
    """The running R, the R environment of our functions, and the names of the R files that were read into it."""

    rinterface: Any
    callbacks: Any
    functions: Any
    loaded: set[str]

    def load(self, source: str) -> None:
        if source not in self.loaded:
            base = self.rinterface.baseenv
            base["sys.source"](str(r_source(source)), envir=self.functions)
            self.loaded.add(source)

    def run(self, function: str, arguments: Mapping[str, Any], *, functions: bool = False) -> Any:
        converted = {key: self._to_r(value) for key, value in arguments.items()}
        if functions:
            converted["functions"] = self.functions
        return self._from_r(self.functions[function](**converted))

    @contextlib.contextmanager
    def output_to_log(self) -> Iterator[None]:
        """Send what R prints during a call to the log, and restore the console afterwards."""

        def log(text: str) -> None:
            if text.strip():
                logger.info("R: %s", text.rstrip())

        names = ("consolewrite_print", "consolewrite_warnerror")
        before = {name: getattr(self.callbacks, name) for name in names}
        try:
            for name in names:
                setattr(self.callbacks, name, log)
            yield
        finally:
            for name, function in before.items():
                setattr(self.callbacks, name, function)

    def _to_r(self, value: Any) -> Any:
        r = self.rinterface
        if value is None:
            return r.NULL
        if isinstance(value, np.ndarray):
            return self._array_to_r(value)
        if isinstance(value, Mapping):
            vector = r.ListSexpVector([self._to_r(item) for item in value.values()])
            vector.do_slot_assign("names", r.StrSexpVector([str(key) for key in value]))
            return vector
        items = list(value) if isinstance(value, list | tuple) else [value]
        for kind, vector in (
            ((bool, np.bool_), r.BoolSexpVector),
            ((int, np.integer), r.IntSexpVector),
            ((int, float, np.integer, np.floating), r.FloatSexpVector),
            ((str,), r.StrSexpVector),
        ):
            if all(isinstance(item, kind) for item in items):
                return vector(items)
        raise TypeError(f"{type(value).__name__} cannot be passed to R")

    def _array_to_r(self, array: NDArray[Any]) -> Any:
        """Copy an array once, into memory that R allocates; R stores matrices column by column."""
        r = self.rinterface
        if array.dtype.kind not in "fiub" or array.ndim not in (1, 2):
            raise TypeError(f"an array of {array.dtype} with {array.ndim} dimensions cannot be passed to R")
        kind, dtype = (
            (r.FloatSexpVector, np.float64) if array.dtype.kind == "f" else (r.IntSexpVector, np.int32)
        )
        if dtype is np.int32 and array.size and max(array.max(), -int(array.min())) > _LARGEST_INTEGER:
            raise TypeError("integers of R have 32 bits; pass floats")
        vector = self._allocate(kind, array.size)
        if array.size:
            columns = np.atleast_2d(array.T)
            memory = np.frombuffer(vector.memoryview(), dtype=dtype).reshape(columns.shape)
            _use_huge_pages(memory)
            step = max(8, _BLOCK // columns.shape[1])
            # blocks keep both sides of a transposing copy in cache
            for first in range(0, len(columns), step):
                memory[first : first + step] = columns[first : first + step]
        if array.ndim == 2:
            vector.do_slot_assign("dim", r.IntSexpVector(array.shape))
        return vector

    def _allocate(self, kind: Any, size: int) -> Any:
        """An R vector with undefined values: filling it with zeros first would take longer than the copy."""
        from rpy2.rinterface_lib import conversion, memorymanagement, openrlib

        with memorymanagement.rmemory() as memory:
            data = memory.protect(openrlib.rlib.Rf_allocVector(kind._R_TYPE, size))
            return conversion._cdata_to_rinterface(data)

    def _from_r(self, value: Any) -> Any:
        r = self.rinterface
        if value is r.NULL or isinstance(value, type(r.NULL)):
            return None
        if isinstance(value, r.ListSexpVector):
            names = value.names
            items = [self._from_r(item) for item in value]
            return items if names is r.NULL else dict(zip(map(str, names), items, strict=True))
        if isinstance(value, r.StrSexpVector):
            texts = [None if item is r.NA_Character else str(item) for item in value]
            return texts[0] if len(texts) == 1 else texts
        if isinstance(value, r.BoolSexpVector):
            flags = [None if item is r.NA_Logical else bool(item) for item in value]
            return flags[0] if len(flags) == 1 else flags
        if isinstance(value, r.FloatSexpVector | r.IntSexpVector):
            array = np.array(value.memoryview())
            if "dim" in value.list_attrs():
                return array.reshape(tuple(value.do_slot("dim")), order="F")
            return array[0].item() if array.size == 1 else array
        raise TypeError(f"an R object of type {value.typeof} cannot be returned to Python")


def _use_huge_pages(memory: NDArray[Any]) -> None:
    """Ask Linux for pages of 2 MB: a large copy spends most of its time waiting for small ones."""
    if sys.platform == "linux" and memory.nbytes > _HUGE:
        first = -(-memory.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
        length = memory.ctypes.data + memory.nbytes - first
        ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), mmap.MADV_HUGEPAGE)
