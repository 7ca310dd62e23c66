"""Feature files: what other tools and we write of a slide, one type out; and our own layout in.

Read with `read`, whoever wrote the file; a folder of them is listed by `find`; `write` writes our own layout, an
HDF5 file with

- datasets ``features`` (tiles × d), ``coords`` (tiles × 2) and ``cluster_features`` (clusters × d), float32 but
  for ``coords``, those that there are;
- attributes ``schema_version``, ``slide``, ``coords_unit``, and those that are known of ``encoder``,
  ``encoder_asserted`` (the user named the encoder, no file did), ``encoder_fingerprint``, ``mpp``, ``tile_size``,
  ``rule``, ``seed``, ``cohort`` and ``n_tiles``;
- of files that were made from slides here also ``patch_size_level0``, ``level0_width``, ``level0_height`` (px),
  ``slide_mpp`` and ``slide_mpp_source``, ``max_tiles`` (unless all), ``mask`` (what the tiles were chosen by),
  ``n_places`` and ``left_out`` (JSON: reason to number), and ``cluster_note`` where there is something to remark.

How to add a layout
-------------------
A layout is a function of `layouts` that is given the open file and says where things are in it (`Description`),
and a line in ``describe``, which asks the particular layouts before the general. Numbers are read, and errors
named after the file, by `reading`; the type checks shapes and values.
"""

from sequoia_model.feature_files.paths import find, slide_name
from sequoia_model.feature_files.reading import read
from sequoia_model.feature_files.writing import write

__all__ = ["find", "read", "slide_name", "write"]
