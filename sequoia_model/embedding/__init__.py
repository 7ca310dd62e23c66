"""From slides to feature files: one slide in memory, or a folder of slides that can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand
from sequoia_model.embedding.folder import embed_folder, tile_folder
from sequoia_model.embedding.progress import Progress
from sequoia_model.embedding.results import FolderRun, SlideRun

if TYPE_CHECKING:
    from sequoia_model.embedding.one_slide import embed

__all__ = ["FolderRun", "Progress", "SlideRun", "embed", "embed_folder", "tile_folder"]

# A finished folder needs neither the compiler nor clusters.
__getattr__ = on_demand(__name__, {"embed": "one_slide:embed"})
