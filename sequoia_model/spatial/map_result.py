"""What a call of `map_slide` did, for people and scripts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sequoia_base.results import Result
from sequoia_model.errors import counted
from sequoia_model.types.units import NOT_STATED


@dataclass(frozen=True, eq=False)
class MapRun(Result):
    """What `map_slide` did.

    Parameters
    ----------
    output : str
        The map.
    slide, patient_id : str
        The slide, and whose it is.
    source : {"windows", "per-tile", "untrained", "untrained per-tile"}
        What made the values.
    n_tiles, n_covered : int
        Number of tiles, and of those that have values.
    n_windows : int
        Number of windows; 0 without windows.
    window, stride : int
        Places along the side of a window, and between neighbouring windows.
    folds : tuple of int
        Folds of the networks that were used.
    held_out : int, optional
        The fold that held the patient out, which was used alone.
    seen : bool
        Whether the patient was used to train a network that is used here.
    n_genes : int
        Genes whose values are written.
    n_predicted : int
        Genes that can be read from the map.
    encoder, units : str
        The encoder of the features, and the unit of the genes.
    precision, device : str
        Precision of the products, and what computed them.
    heads : str
        The heads file that the map names; "" if it needs none.
    budget : str
        The stride that the given time allows, and its error, in words; "" if no time was given.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know.
    """

    output: str
    slide: str
    patient_id: str
    source: str
    n_tiles: int
    n_covered: int
    n_windows: int
    window: int
    stride: int
    folds: tuple[int, ...]
    held_out: int | None
    seen: bool
    n_genes: int
    n_predicted: int
    encoder: str
    units: str
    precision: str
    device: str
    heads: str
    budget: str
    flow: pd.DataFrame
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        networks = (
            f"the network of fold {self.held_out}, which held the patient {self.patient_id} out"
            if self.held_out is not None
            else f"the mean of {counted(len(self.folds), 'network')}"
        )
        how = (
            "single tiles, without windows"
            if not self.n_windows
            else f"{counted(self.n_windows, 'window')} of {self.window} × {self.window} tiles at stride {self.stride}"
        )
        untrained = ", untrained" if self.source.startswith("untrained") else ""
        unit = "a unit that is not stated" if self.units == NOT_STATED else self.units
        lines = [
            f"{self.slide}: {self.n_covered:,} of {counted(self.n_tiles, 'tile')} have values",
            f"  {how}",
            f"  {networks}{untrained}",
            f"  {counted(self.n_predicted, 'gene')} in {unit}, {self.n_genes:,} of them written to X",
        ]
        if self.budget:
            lines.append(f"  {self.budget}")
        if self.heads:
            lines.append(f"  heads: {self.heads}")
        return "\n".join(lines)
