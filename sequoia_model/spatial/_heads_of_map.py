"""The heads file that a map names: that of the training run, or one that is written beside the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sequoia_base.maps import Heads, read_heads
from sequoia_model.errors import InputError, listing
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.weights.heads import HEADS, head_hash, write_heads


@dataclass(frozen=True, eq=False)
class MapHeads:
    """Where the heads of a map are, or are to be.

    Parameters
    ----------
    path : Path
        The file.
    networks : mapping of int to SlideNetwork
        The transformers of all folds.
    genes : tuple of str
        Names of their outputs.
    is_there : bool
        Whether the file is there, with these heads.
    """

    path: Path
    networks: Mapping[int, SlideNetwork]
    genes: tuple[str, ...]
    is_there: bool

    def open(self) -> Heads:
        """The heads, written now if they are not there.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        if not self.is_there:
            write_heads(self.path, self.networks, self.genes)
        return read_heads(self.path)


def place_heads(
    networks: Mapping[int, SlideNetwork],
    genes: Sequence[str],
    *,
    output: Path,
    run: Path | None,
    given: str | Path | None = None,
    name: str = HEADS,
) -> MapHeads:
    """Find the heads of networks, or a place for them.

    Parameters
    ----------
    networks : mapping of int to SlideNetwork
        The transformers of all folds.
    genes : sequence of str
        Names of their outputs.
    output : path
        The map.
    run : path, optional
        The folder of the weights, whose heads are used if they are those of the networks.
    given : path, optional
        The place that the user names.
    name : str
        Name of a file beside the map.

    Raises
    ------
    InputError
        If the file that is named, or the one beside the map, holds the heads of other networks.
    """
    hashes = {fold: head_hash(network, fold) for fold, network in networks.items()}
    if given is None and run is not None and (run / HEADS).is_file():
        try:
            same = not _differs(read_heads(run / HEADS), hashes, genes)
        except InputError:  # damaged: what is right is written beside the map
            same = False
        if same:
            return MapHeads(run / HEADS, networks, tuple(genes), True)
    path = output.resolve().parent / name if given is None else Path(given)
    if not path.exists():
        if not path.resolve().parent.is_dir():
            raise InputError("the folder of the heads does not exist", where=str(path), fix="create it first")
        return MapHeads(path, networks, tuple(genes), False)
    if why := _differs(read_heads(path), hashes, genes):
        raise InputError(
            f"this file holds the heads of other networks: {why}",
            where=str(path),
            fix="name another place with --heads FILE, or write the map into another folder",
        )
    return MapHeads(path, networks, tuple(genes), True)


def _differs(heads: Heads, hashes: Mapping[int, str], genes: Sequence[str]) -> str:
    """How heads differ from those of networks; empty if they are the same. A damaged file is an error."""
    theirs = dict(zip(heads.folds, heads.hashes, strict=True))
    if absent := sorted(hashes.keys() - theirs.keys()):
        return f"it has no fold {listing(absent)}"
    other = [fold for fold, own in hashes.items() if theirs[fold] != own]
    if other:
        return f"fold {other[0]} has the hash {theirs[other[0]][:12]}, not {hashes[other[0]][:12]}"
    if heads.genes != tuple(genes):
        return "its genes have other names"
    heads.check(hashes)
    return ""
