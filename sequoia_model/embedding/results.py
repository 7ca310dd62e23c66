"""The outcome of the slides of a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sequoia_base.errors import Failure, counted
from sequoia_base.results import Result
from sequoia_base.search import PassedOver

_SHOWN = 20  # slides in the printed form; the table of the folder has all


@dataclass(frozen=True)
class SlideRun(Result):
    """The outcome of a slide.

    Parameters
    ----------
    name : str
        Name of the slide.
    state : str
        "done" or "failed".
    file : str
        The slide file.
    tiles : int, optional
        Number of its tiles.
    left_out : mapping of str to int
        Number of places that are not tiles, by reason.
    seconds : float, optional
        Duration of the last attempt.
    attempts : int
        Number of attempts.
    failure : Failure, optional
        Why it failed.
    note : str
        What to know about a slide that is done.
    computed : bool
        Whether this run did it; otherwise it was done before, or by another process.
    notes : tuple of str
        The parts of the note that are about the slide and where tiles may lie on it.
    """

    name: str
    state: str
    file: str
    tiles: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    attempts: int = 0
    failure: Failure | None = field(default=None, metadata={"show": False})
    note: str = field(default="", metadata={"show": False})
    computed: bool = True
    notes: tuple[str, ...] = field(default=(), metadata={"show": False})

    @property
    def reason(self) -> str:
        """Why it failed, or the note, in one line."""
        return self.note if self.failure is None else self.failure.reason

    def to_dict(self) -> dict[str, object]:
        """Plain Python values, ready for JSON; a failed slide also has the parts of its reason."""
        failure = self.failure
        parts = {} if failure is None else {name: getattr(failure, name) for name in ("what", "where", "fix")}
        return {**super().to_dict(), "reason": self.reason, **parts}


@dataclass(frozen=True)
class FolderRun(Result):
    """The outcome of the slides of a folder.

    Parameters
    ----------
    output : str
        The output folder.
    slides : list of SlideRun
        The slides, sorted by name.
    seconds : float
        Duration of the run, including the time spent waiting for other processes.
    tiles : int
        Number of tiles that this run processed.
    tiles_per_second : float, optional
        Tiles per second of the time that the run worked on slides; None if it did none.
    waiting_share : float, optional
        Share of this time that the encoder spent waiting for pixels; None without an encoder.
    passed_over : PassedOver
        Files that look like slides, but were not taken, by ending and reason.
    """

    output: str
    slides: list[SlideRun]
    seconds: float
    tiles: int
    tiles_per_second: float | None
    waiting_share: float | None = None
    passed_over: PassedOver = field(default_factory=PassedOver, metadata={"show": False})

    @property
    def failed(self) -> list[SlideRun]:
        """Slides without a result."""
        return [slide for slide in self.slides if slide.state == "failed"]

    @property
    def counts(self) -> dict[str, int]:
        """Number of slides that this run did, that were done before, and that failed."""
        done = [slide for slide in self.slides if slide.state == "done"]
        computed = sum(slide.computed for slide in done)
        return {"done": computed, "already_done": len(done) - computed, "failed": len(self.failed)}

    @property
    def left_out(self) -> dict[str, int]:
        """Number of places that are not tiles, by reason, over all slides."""
        total: Counter[str] = Counter()
        for slide in self.slides:
            total.update(slide.left_out)
        return dict(total)

    def to_dict(self) -> dict[str, object]:
        """Plain Python values, ready for JSON."""
        found = {"counts": self.counts, "left_out": self.left_out, "passed_over": self.passed_over.to_list()}
        return {**super().to_dict(), **found}

    def __str__(self) -> str:
        counts = self.counts
        words = [
            f"{counts['done']} done",
            f"{counts['already_done']} done before",
            f"{counts['failed']} failed",
        ]
        lines = [f"{counted(len(self.slides), 'slide')}: {', '.join(words)}"]
        rows = [_row(slide) for slide in self.slides[:_SHOWN]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
        lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        if len(self.slides) > _SHOWN:
            lines.append(f"  … and {len(self.slides) - _SHOWN} more: {self.output}/runs.csv")
        if self.passed_over:
            lines.append(f"passed over: {self.passed_over}")
        if len(self.slides) > 1:
            lines.append(f"left out in total: {_listed(self.left_out)}")
        if self.tiles_per_second is not None:
            share = (
                ""
                if self.waiting_share is None
                else f", {self.waiting_share:.0%} of the time waiting for pixels"
            )
            lines.append(f"{counted(self.tiles, 'tile')}, {self.tiles_per_second:.1f} per second{share}")
        return "\n".join(lines)


def _row(slide: SlideRun) -> list[str]:
    tiles = "" if slide.tiles is None else counted(slide.tiles, "tile")
    left_out = f"left out: {_listed(slide.left_out)}" if slide.left_out else ""
    return [slide.name, slide.state if slide.computed else "done before", tiles, left_out]


def _listed(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in left_out.items() if n) or "none"
