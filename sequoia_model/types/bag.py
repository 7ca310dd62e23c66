"""FeatureBag: the tile features of a slide, and which encoder made them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError, listing, part

#: Two fingerprints belong to the same encoder if their cosine is above this.
SAME_FINGERPRINT = 0.999

#: Our name of an encoder, and the names that other tools use, in lower case and with "-" for "_". A ResNet-50 cut
#: before its last block (1024-d) and a whole one (2048-d) are two encoders. So are the class token of Virchow alone
#: (1280-d, "-cls") and the class token together with the mean of the other tokens (2560-d).
_ALIASES = {
    "lite0": ("efficientnet-lite0",),
    "uni": ("uni-v1", "uni1", "mahmood-uni", "mahmoodlab/uni", "vit-large-patch16-224.dinov2.uni-mass100k"),
    "uni2-h": ("uni2", "uni-v2", "mahmood-uni2", "mahmoodlab/uni2-h"),
    "resnet50": ("resnet-50",),
    "resnet50-trunc": ("resnet50-truncated",),
    "virchow": ("paige-ai/virchow",),
    "virchow-full": (),
    "virchow-cls": (),
    "virchow2": ("paige-ai/virchow2",),
    "virchow2-cls": (),
    "h-optimus-0": ("hoptimus0", "h-optimus0", "bioptimus/h-optimus-0"),
    "h-optimus-1": ("hoptimus1", "h-optimus1", "bioptimus/h-optimus-1"),
    "conch-v1": ("conch", "mahmood-conch", "mahmoodlab/conch"),
    "conch-v15": ("conchv1-5", "conch1-5", "mahmood-conch1-5", "mahmoodlab/conchv1-5"),
    "gigapath": ("prov-gigapath", "prov-gigapath/prov-gigapath"),
    "ctranspath": ("xiyuewang-ctranspath",),
    "chief-ctranspath": (),
    "phikon": ("owkin/phikon",),
    "phikon-v2": ("phikon2", "owkin/phikon-v2"),
    "hibou-l": ("histai/hibou-l",),
    "musk": ("xiangjx/musk",),
    "mstar": (),
    "plip": (),
}
_CANONICAL = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
_HUB = re.compile(r"^(hf-hub:\s*)+")
_REVISION = re.compile(r"-[0-9a-f]{8,40}$")  # STAMP appends the revision of the weights to the name
_EMBED = "compute the features with sequoia-model embed, which writes it"


def canonical_encoder(name: str) -> str:
    """Our name of an encoder that tools spell differently ("uni_v1", "hf-hub:MahmoodLab/UNI" → "uni").

    Examples
    --------
    >>> canonical_encoder("UNI_v1"), canonical_encoder("mahmood-uni-77ffbca1")
    ('uni', 'uni')
    """
    word = _HUB.sub("", name.partition("@")[0].strip().lower().replace("_", "-"))
    bare = _REVISION.sub("", word)
    return _CANONICAL.get(word) or _CANONICAL.get(bare) or (bare if bare in _ALIASES else word)


def is_known_encoder(name: str) -> bool:
    """Whether a word, in any spelling, names an encoder that we know."""
    return canonical_encoder(name) in _ALIASES


@dataclass(frozen=True, eq=False)
class EncoderId:
    """Which encoder made features: its name, and its fingerprint if known.

    Parameters
    ----------
    name : str
        Any spelling; `canonical_encoder` is applied to it.
    asserted : bool
        Whether the user, not a file, named the encoder.
    fingerprint : array of shape (d,), optional
        The encoder's embedding of a fixed image.
    """

    name: str
    asserted: bool = False
    fingerprint: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", canonical_encoder(self.name))

    def is_same(self, other: EncoderId) -> bool:
        """Whether the names agree, and the fingerprints if both have one."""
        if self.name != other.name:
            return False
        if self.fingerprint is None or other.fingerprint is None:
            return True
        if self.fingerprint.shape != other.fingerprint.shape:
            return False
        scale = float(np.linalg.norm(self.fingerprint) * np.linalg.norm(other.fingerprint))
        return scale > 0 and float(self.fingerprint @ other.fingerprint) / scale > SAME_FINGERPRINT


@dataclass(frozen=True)
class TileGeometry:
    """Where tiles lie on their slide and how they were chosen, as far as a file says; None if it does not.

    Parameters
    ----------
    side : float, optional
        Side of a tile in level-0 pixels.
    side_um : float, optional
        Side of a tile in µm, if the file gives it in µm.
    magnification : float, optional
        Nominal magnification at which the tiles were read, 20 for about 0.5 µm per pixel, if the file gives that
        rather than a scale.
    overlap : int, optional
        By how many pixels of the tiles, as they were read, neighbours overlap.
    slide_mpp : float, optional
        µm per pixel of level 0.
    slide_mpp_source : str, optional
        Where `slide_mpp` comes from: the file, the user, or a table.
    slide_size : tuple of int, optional
        Width and height of level 0 in pixels.
    max_tiles : int, optional
        At most this many tiles were drawn; None also if all were taken.
    mask : str, optional
        What decided which places hold tissue.
    n_places : int, optional
        Number of places of the grid.
    left_out : mapping of str to int
        For each reason, how many places were left out.
    """

    side: float | None = None
    side_um: float | None = None
    magnification: float | None = None
    overlap: int | None = None
    slide_mpp: float | None = None
    slide_mpp_source: str | None = None
    slide_size: tuple[int, int] | None = None
    max_tiles: int | None = None
    mask: str | None = None
    n_places: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False)
class FeatureBag:
    """The features of a slide's tiles.

    Parameters
    ----------
    slide : str
        Name of the slide, without folder and suffix.
    features : array of shape (tiles, d), float32, optional
        One row per tile, all values finite. None if only the cluster means were read.
    coords : array of shape (tiles, 2), optional
        Top-left corner of each tile, x before y, in `coords_unit`.
    cluster_features : array of shape (clusters, d), float32, optional
        Mean of the tiles of each cluster, as the file holds them.
    encoder : EncoderId, optional
        Which encoder made the features; None if the file does not say.
    mpp : float, optional
        µm per pixel at which the tiles were read.
    tile_size : int, optional
        Side of a tile in pixels at `mpp`.
    rule : str, optional
        Which rule chose the tiles.
    seed : int, optional
        Random seed with which the tiles were drawn.
    coords_unit : {"px", "um"}
        Level-0 pixels, or µm.
    layout : str
        Who wrote the file: ours, trident, clam, stamp or sequoia.
    cohort : str
        Project or cohort, if the folder of the file names one.
    n_tiles : int, optional
        Number of tiles, known even if their features were not read.
    encoder_hint : str
        The encoder that the folder is named after, if the file names none. It may go into a message, but it does
        not say which encoder it was.
    geometry : TileGeometry
        Where the tiles lie on the slide and how they were chosen.
    tried : array of shape (n, 2), int64, optional
        Top-left corners of the candidates that were read, in that order, whether or not they became tiles; None if
        the file does not say.

    Raises
    ------
    InputError
        If there are neither features nor cluster means, or if shapes, dimensions or values cannot be used.
    """

    slide: str
    features: NDArray[np.float32] | None = None
    coords: NDArray[np.number] | None = None
    cluster_features: NDArray[np.float32] | None = None
    encoder: EncoderId | None = None
    mpp: float | None = None
    tile_size: int | None = None
    rule: str | None = None
    seed: int | None = None
    coords_unit: Literal["px", "um"] = "px"
    layout: str = "ours"
    cohort: str = ""
    n_tiles: int | None = None
    encoder_hint: str = ""
    geometry: TileGeometry = TileGeometry()
    tried: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.features is None and self.cluster_features is None:
            raise InputError("there are neither features nor cluster means", where=self.slide)
        for name in ("features", "cluster_features"):
            matrix = getattr(self, name)
            if matrix is not None:
                object.__setattr__(self, name, _checked(matrix, name, self.slide))
        if self.features is not None and self.cluster_features is not None:
            _refuse_other_dimension(self.features, self.cluster_features, self.slide)
        if self.features is not None:
            object.__setattr__(self, "n_tiles", len(self.features))
        if self.features is not None and self.coords is not None:
            _refuse_other_coords(np.asarray(self.coords), len(self.features), self.slide)
        if self.tried is not None:
            _refuse_other_corners(np.asarray(self.tried), self.slide)

    @property
    def dimension(self) -> int:
        """Length of a feature vector."""
        matrix = self.cluster_features if self.features is None else self.features
        assert matrix is not None
        return int(matrix.shape[1])

    @property
    def slide_mpp(self) -> float | None:
        """µm per pixel of level 0: from the file, or from the size of a tile in both kinds of pixels."""
        if self.geometry.slide_mpp is None and self.geometry.side and self.mpp and self.tile_size:
            return self.mpp * self.tile_size / self.geometry.side
        return self.geometry.slide_mpp

    @property
    def coords_um(self) -> NDArray[np.float64]:
        """Top-left corner of each tile in µm, x before y.

        Raises
        ------
        InputError
            If there are no coords, or they are in pixels of an unknown size.
        """
        if self.coords is None:
            raise InputError("the features have no coords", where=self.slide, fix=_EMBED)
        scale = 1.0 if self.coords_unit == "um" else self.slide_mpp
        if scale is None:
            raise InputError(
                "it is not known how many µm a pixel of the slide has", where=self.slide, fix=_EMBED
            )
        return np.asarray(self.coords, dtype=np.float64) * scale

    @property
    def tile_side_um(self) -> float:
        """Side of a tile in µm.

        Raises
        ------
        InputError
            If it is not known.
        """
        known = self.geometry
        if known.side_um is not None:
            return known.side_um
        if known.side is not None and self.slide_mpp is not None:
            return known.side * self.slide_mpp
        if self.mpp is not None and self.tile_size is not None:
            return self.mpp * self.tile_size
        raise InputError("it is not known how large a tile is in µm", where=self.slide, fix=_EMBED)

    def __repr__(self) -> str:
        encoder = "an unnamed encoder" if self.encoder is None else self.encoder.name
        tiles = "?" if self.n_tiles is None else self.n_tiles
        clusters = "" if self.cluster_features is None else f", {len(self.cluster_features)} cluster means"
        return f"<FeatureBag {self.slide}: {tiles} tiles × {self.dimension} by {encoder}{clusters}>"


def _checked(matrix: NDArray, name: str, slide: str) -> NDArray[np.float32]:
    """A matrix of finite float32 with at least a row and a column."""
    array = np.asarray(matrix)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} must be numbers, but are {array.dtype}", where=slide)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} must be rows × columns, but have the shape {array.shape}", where=slide)
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, refused below
        array = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise InputError(
            f"{part(len(rows), len(array), f'row of {name}', 'hold', f'rows of {name}')} NaN or infinite values",
            where=f"{slide}, rows {listing(rows)}",
            fix="compute the features of this slide again",
        )
    return array


def _refuse_other_coords(coords: NDArray, n_tiles: int, slide: str) -> None:
    if coords.shape != (n_tiles, 2):
        raise InputError(f"coords have the shape {coords.shape}, but there are {n_tiles} tiles", where=slide)
    if coords.dtype.kind not in "fiu" or not np.isfinite(coords).all():
        raise InputError("some coords are not numbers", where=slide)


def _refuse_other_corners(tried: NDArray, slide: str) -> None:
    if tried.ndim != 2 or tried.shape[1] != 2 or tried.dtype.kind not in "iu":
        raise InputError(
            f"tried must be n × 2 whole numbers, but are {tried.dtype} of the shape {tried.shape}",
            where=slide,
        )


def _refuse_other_dimension(features: NDArray, clusters: NDArray, slide: str) -> None:
    if features.shape[1] != clusters.shape[1]:
        raise InputError(
            f"features have {features.shape[1]} columns, but cluster_features have {clusters.shape[1]}",
            where=slide,
        )
