"""What came of a run over many slides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sequoia_base.results import Result

_SHOWN = 20  # slides, in the printed form; all are in the table of the folder


@dataclass(frozen=True)
class SlideRun(Result):
    """What came of a slide.

    Parameters
    ----------
    name : str
    state : str
        "done" or "failed".
    file : str
        The slide itself.
    tiles : int, optional
    left_out : mapping of str to int
        Places without a tile that is used, by reason.
    seconds : float, optional
        Of the last attempt.
    attempts : int
    reason : str
        Why it failed; of a slide that is done, what is to be remarked.
    computed : bool
        Whether this run did it; otherwise it was done before, or by another process.
    """

    name: str
    state: str
    file: str
    tiles: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    attempts: int = 0
    reason: str = ""
    computed: bool = True


@dataclass(frozen=True)
class FolderRun(Result):
    """What came of a run over many slides.

    Parameters
    ----------
    output : str
        The folder.
    slides : list of SlideRun
        By name.
    seconds : float
        Of all, waiting for other processes too.
    tiles : int
        That this run did.
    tiles_per_second : float, optional
        Of the time that it worked on slides; None where it did none.
    waiting_share : float, optional
        Share of this time in which the encoder waited for pixels; None without an encoder.
    """

    output: str
    slides: list[SlideRun]
    seconds: float
    tiles: int
    tiles_per_second: float | None
    waiting_share: float | None = None

    @property
    def failed(self) -> list[SlideRun]:
        """Slides without a result."""
        return [slide for slide in self.slides if slide.state == "failed"]

    @property
    def counts(self) -> dict[str, int]:
        """Number of slides that this run did, that were done already, and that failed."""
        done = [slide for slide in self.slides if slide.state == "done"]
        computed = sum(slide.computed for slide in done)
        return {"done": computed, "already_done": len(done) - computed, "failed": len(self.failed)}

    @property
    def left_out(self) -> dict[str, int]:
        """Places without a tile that is used, by reason, over all slides."""
        total: Counter[str] = Counter()
        for slide in self.slides:
            total.update(slide.left_out)
        return dict(total)

    def to_dict(self) -> dict[str, object]:
        """Plain Python values, ready for JSON."""
        return {**super().to_dict(), "counts": self.counts, "left_out": self.left_out}

    def __str__(self) -> str:
        counts = self.counts
        words = [
            f"{counts['done']} done",
            f"{counts['already_done']} done before",
            f"{counts['failed']} failed",
        ]
        lines = [f"{_number(len(self.slides), 'slide')}: {', '.join(words)}"]
        rows = [_row(slide) for slide in self.slides[:_SHOWN]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
        lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        if len(self.slides) > _SHOWN:
            lines.append(f"  … and {len(self.slides) - _SHOWN} more: {self.output}/runs.csv")
        if len(self.slides) > 1:
            lines.append(f"left out in all: {_listed(self.left_out)}")
        if self.tiles_per_second is not None:
            share = (
                ""
                if self.waiting_share is None
                else f", {self.waiting_share:.0%} of the time waiting for pixels"
            )
            lines.append(f"{_number(self.tiles, 'tile')}, {self.tiles_per_second:.1f} a second{share}")
        return "\n".join(lines)


def _row(slide: SlideRun) -> list[str]:
    tiles = "" if slide.tiles is None else f"{_number(slide.tiles, 'tile')}"
    left_out = f"left out: {_listed(slide.left_out)}" if slide.left_out else ""
    return [slide.name, slide.state if slide.computed else "done before", tiles, left_out]


def _listed(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in left_out.items() if n) or "none"


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
