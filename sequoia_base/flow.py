"""The ledger of what is lost: one line per step, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Step(NamedTuple):
    """One line of a ledger.

    Parameters
    ----------
    step : str
        What is counted, and where: "patients: expression".
    n_before, n_after : int
        How many there were before the step, and after it.
    reason : str
        Why the others were lost.
    """

    step: str
    n_before: int
    n_after: int
    reason: str


class Flow:
    """The ledger of a result: a line for every step that can lose patients, genes, slides or tiles.

    Parameters
    ----------
    steps : iterable of tuple
        Lines so far: step, n_before, n_after, reason.

    Examples
    --------
    >>> flow = Flow()
    >>> flow.add("patients: outcome", 909, 906, "3 have no time")
    >>> flow.to_frame().loc[0, "reason"], len(flow)
    ('3 have no time', 1)
    """

    COLUMNS = Step._fields

    def __init__(self, steps: Iterable[tuple[str, int, int, str]] = ()) -> None:
        self._steps = [Step(*step) for step in steps]

    def add(self, step: str, n_before: int, n_after: int, reason: str) -> None:
        """Add a line."""
        self._steps.append(Step(step, int(n_before), int(n_after), reason))

    def extend(self, steps: Iterable[tuple[str, int, int, str]]) -> None:
        """Add lines, such as those of another ledger."""
        self._steps.extend(Step(*step) for step in steps)

    def copy(self) -> Flow:
        """A ledger of its own with the same lines."""
        return Flow(self._steps)

    def to_frame(self) -> pd.DataFrame:
        """A frame with the columns ``step, n_before, n_after, reason``."""
        import pandas as pd

        frame = pd.DataFrame(self._steps, columns=list(self.COLUMNS))
        return frame.astype({"step": object, "n_before": "int64", "n_after": "int64", "reason": object})

    def to_columns(self) -> dict[str, np.ndarray]:
        """The columns as arrays, as AnnData's ``uns`` holds them."""
        frame = self.to_frame()
        return {column: frame[column].to_numpy() for column in self.COLUMNS}

    @classmethod
    def of(cls, columns: pd.DataFrame | Mapping[str, Any] | None) -> Flow:
        """The ledger that a frame, or the ``uns`` of a file, holds; an empty one for None."""
        if columns is None:
            return cls()
        rows = zip(*(columns[name] for name in cls.COLUMNS), strict=True)
        return cls((str(step), int(before), int(after), str(reason)) for step, before, after, reason in rows)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flow) and self._steps == other._steps

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"Flow({self._steps!r})"

    def __str__(self) -> str:
        """A line per step in columns: step, number before → after, reason."""
        step = max((len(line.step) for line in self), default=0)
        before = max((len(f"{line.n_before:,}") for line in self), default=0)
        after = max((len(f"{line.n_after:,}") for line in self), default=0)
        return "\n".join(
            f"{line.step:<{step}}   {line.n_before:>{before},} → {line.n_after:>{after},}   {line.reason}"
            for line in self
        )
