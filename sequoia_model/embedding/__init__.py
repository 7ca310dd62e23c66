"""From slides to feature files: one slide in memory, or a folder of them that can be resumed after any end."""

from sequoia_model.embedding.one_slide import embed
from sequoia_model.embedding.running import embed_folder, tile_folder
from sequoia_model.embedding.summary import FolderRun, SlideRun

__all__ = ["FolderRun", "SlideRun", "embed", "embed_folder", "tile_folder"]
