"""Builders for tests of old results: the pickles of the published code."""

from __future__ import annotations

import pickle

import numpy as np

GENES = ["A1BG", "TP53", "ESR1"]


def slide(number, extra=1):
    """The name of a slide of a made-up patient."""
    return f"TCGA-AA-{number:04d}-01Z-00-DX{extra}.ABC"


def make_split(fold, n=2, prefix="", **changes):
    """A split as the published code leaves it; `changes` replace parts, and None removes one."""
    generator = np.random.default_rng(fold)
    part = {
        "real": generator.normal(5, 1, (n, len(GENES))),
        "preds": generator.normal(5, 1, (n, len(GENES))).astype(np.float32),
        "random": generator.normal(0, 1, (n, len(GENES))).astype(np.float32),
        "wsi_file_name": np.array([slide(10 * fold + i) for i in range(n)]),
        "tcga_project": np.array(["TCGA-BRCA"] * n, dtype=object),
        "genes": [prefix + gene for gene in GENES],
    }
    return {key: value for key, value in (part | changes).items() if value is not None}


def make_results(*splits, **top):
    """The content of a file with these splits, or with two; `top` are further keys."""
    splits = splits or (make_split(0), make_split(1))
    return {f"split_{i}": split for i, split in enumerate(splits)} | {"genes": GENES} | top


def write_pickle(folder, content, protocol=pickle.HIGHEST_PROTOCOL, name="test_results.pkl"):
    """A pickle of the content; bytes are written as they are."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return path
