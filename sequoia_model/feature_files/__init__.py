"""Feature files: reads those of other tools and our own as one type, and writes our own layout.

`find` lists the feature files of a folder, `read` reads one of any layout, and `write` writes our own layout: an HDF5
file with

- the datasets ``features`` (tiles × d), ``coords`` (tiles × 2) and ``cluster_features`` (clusters × d), as far as they
  are known; float32, except ``coords``; ``tried`` (n × 2): corners of the candidates that were read, in that order;
- the attributes ``schema_version``, ``slide`` and ``coords_unit``, and, if known, ``encoder``,
  ``encoder_asserted`` (the user named the encoder, no file did), ``encoder_fingerprint``, ``mpp``, ``tile_size``,
  ``rule``, ``seed``, ``cohort`` and ``n_tiles``;
- where the tiles lie on the slide: ``patch_size_level0`` (side of a tile, px), ``tile_side_um``,
  ``target_magnification``, ``overlap`` (px), ``level0_width``, ``level0_height`` (px), ``slide_mpp``,
  ``slide_mpp_source``, ``max_tiles`` (missing if all tiles were taken), ``mask`` (what decided where tissue is),
  ``n_places`` and ``left_out`` (JSON: reason to number);
- ``cluster_note`` if there is something to note about the clusters.

How to add a layout
-------------------
A layout is a function in `_layouts`. It gets the open file and returns a `Description`: the names of the datasets and
what the attributes say. ``describe`` calls it; layouts that are easier to recognise come first. `reader` reads the
numbers and adds the name of the file to every error; the type checks shapes and values.
"""

from sequoia_model.feature_files.own_layout import write
from sequoia_model.feature_files.paths import find, slide_name
from sequoia_model.feature_files.reader import FeatureKind, look, read

__all__ = ["FeatureKind", "find", "look", "read", "slide_name", "write"]
