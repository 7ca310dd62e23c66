"""Moran's I equals ape::Moran.I on a full grid, on tissue with holes, and with tiles that are alone."""

from __future__ import annotations

import pandas as pd

from sequoia_stats.spatial import morans_i, neighbours
from tests.parity.reference import assert_matches, inputs, reference

MAPS = ["slope", "noise", "smooth"]


def moran_of(case: str) -> dict[str, float]:
    table = inputs(f"moran/{case}")
    found = morans_i(table[MAPS].to_numpy().T, neighbours(table[["row", "column"]].to_numpy()))
    return {f"{case} {name}": value for name, value in zip(MAPS, found, strict=True)}


def test_morans_i_equals_that_of_ape():
    want = reference("moran/moran")
    got = moran_of("full") | moran_of("holes") | moran_of("islands")
    assert_matches(pd.DataFrame({"moran": got}, want.index), want, rtol=1e-10)


def test_one_case_has_tiles_without_neighbours():
    weights = neighbours(inputs("moran/islands")[["row", "column"]].to_numpy())
    assert (weights.sum(axis=1) == 0).any()
