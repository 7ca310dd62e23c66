"""From slides to feature files: one slide in memory, or a folder of slides that can be resumed after any end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sequoia_model.embedding.folder import embed_folder, tile_folder
from sequoia_model.embedding.progress import Progress
from sequoia_model.embedding.results import FolderRun, SlideRun

if TYPE_CHECKING:
    from sequoia_model.embedding.one_slide import embed

__all__ = ["FolderRun", "Progress", "SlideRun", "embed", "embed_folder", "tile_folder"]


def __getattr__(name: str) -> Any:  # a folder that is finished needs neither compiler nor clusters
    if name == "embed":
        from sequoia_model.embedding.one_slide import embed

        return embed
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
