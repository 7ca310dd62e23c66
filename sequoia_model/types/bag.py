"""FeatureBag: the tile features of a slide, and which encoder made them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError, listing

#: Two fingerprints are of the same encoder when their cosine is above this.
SAME_FINGERPRINT = 0.999

#: What we call an encoder, and what tools call it, in small letters and with "-" for "_". A ResNet-50 cut before its
#: last block (1024-d) is another encoder than a whole one (2048-d), and so is the class token of Virchow alone
#: (1280-d, "-cls") than the token beside the mean of the others (2560-d).
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
_REVISION = re.compile(r"-[0-9a-f]{8,40}$")  # STAMP puts the revision of the weights behind the name


def canonical_encoder(name: str) -> str:
    """The one name of an encoder that tools spell differently ("uni_v1", "hf-hub:MahmoodLab/UNI" → "uni").

    Examples
    --------
    >>> canonical_encoder("UNI_v1"), canonical_encoder("mahmood-uni-77ffbca1")
    ('uni', 'uni')
    """
    word = _HUB.sub("", name.partition("@")[0].strip().lower().replace("_", "-"))
    bare = _REVISION.sub("", word)
    return _CANONICAL.get(word) or _CANONICAL.get(bare) or (bare if bare in _ALIASES else word)


def is_known_encoder(name: str) -> bool:
    """Whether a word, in any spelling, names an encoder of the table."""
    return canonical_encoder(name) in _ALIASES


@dataclass(frozen=True, eq=False)
class EncoderId:
    """Which encoder made features: its name, and where it is known a fingerprint.

    Parameters
    ----------
    name : str
        In the spelling of `canonical_encoder`; made canonical here.
    asserted : bool
        Whether the user says so, and not the file.
    fingerprint : array of shape (d,), optional
        The encoder's embedding of a fixed image.
    """

    name: str
    asserted: bool = False
    fingerprint: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", canonical_encoder(self.name))

    def is_same(self, other: EncoderId) -> bool:
        """Whether names agree, and fingerprints where both have one."""
        if self.name != other.name:
            return False
        if self.fingerprint is None or other.fingerprint is None:
            return True
        if self.fingerprint.shape != other.fingerprint.shape:
            return False
        scale = float(np.linalg.norm(self.fingerprint) * np.linalg.norm(other.fingerprint))
        return scale > 0 and float(self.fingerprint @ other.fingerprint) / scale > SAME_FINGERPRINT


@dataclass(frozen=True, eq=False, repr=False)
class FeatureBag:
    """The features of a slide's tiles.

    Parameters
    ----------
    slide : str
        Name of the slide, without folder and suffix.
    features : array of shape (tiles, d), float32, optional
        One row a tile; finite. None where only the cluster means were read.
    coords : array of shape (tiles, 2), optional
        Top-left corner of each tile, x before y, in `coords_unit`.
    cluster_features : array of shape (clusters, d), float32, optional
        Means of the tiles of each cluster, as the file holds them.
    encoder : EncoderId, optional
        Which encoder made the features; None where the file does not say.
    mpp : float, optional
        µm per pixel at which the tiles were read.
    tile_size : int, optional
        Side of a tile in pixels at `mpp`.
    rule : str, optional
        Which rule chose the tiles.
    seed : int, optional
        With which tiles were drawn.
    coords_unit : {"px", "um"}
        Level-0 pixels, or µm.
    layout : str
        Whose file it was: ours, trident, clam, stamp or sequoia.
    cohort : str
        Project or cohort, where the place of the file names one.
    n_tiles : int, optional
        Number of tiles, also where their features were not read.
    encoder_hint : str
        Where the file names no encoder: that which its folder is called after. Good for a message, never for an
        identity.

    Raises
    ------
    InputError
        If there are neither features nor cluster means, or shapes, dimensions or values cannot be used.
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

    @property
    def dimension(self) -> int:
        """Length of a feature vector."""
        matrix = self.cluster_features if self.features is None else self.features
        assert matrix is not None
        return int(matrix.shape[1])

    def __repr__(self) -> str:
        encoder = "an unnamed encoder" if self.encoder is None else self.encoder.name
        tiles = "?" if self.n_tiles is None else self.n_tiles
        clusters = "" if self.cluster_features is None else f", {len(self.cluster_features)} cluster means"
        return f"<FeatureBag {self.slide}: {tiles} tiles × {self.dimension} by {encoder}{clusters}>"


def _checked(matrix: NDArray, name: str, slide: str) -> NDArray[np.float32]:
    """A matrix of finite float32 with at least a row and a column."""
    array = np.asarray(matrix)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} are {array.dtype}, and numbers are needed", where=slide)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} have the shape {array.shape}, and rows × columns are needed", where=slide)
    with np.errstate(over="ignore"):  # what float32 does not hold becomes infinite, and is refused below
        array = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise InputError(
            f"{len(rows)} of {len(array)} rows of {name} hold NaN or infinite values",
            where=f"{slide}, rows {listing(rows)}",
            fix="compute the features of this slide again",
        )
    return array


def _refuse_other_coords(coords: NDArray, n_tiles: int, slide: str) -> None:
    if coords.shape != (n_tiles, 2):
        raise InputError(f"coords have the shape {coords.shape}, and there are {n_tiles} tiles", where=slide)
    if coords.dtype.kind not in "fiu" or not np.isfinite(coords).all():
        raise InputError("coords are not all numbers", where=slide)


def _refuse_other_dimension(features: NDArray, clusters: NDArray, slide: str) -> None:
    if features.shape[1] != clusters.shape[1]:
        raise InputError(
            f"features have {features.shape[1]} columns and cluster_features {clusters.shape[1]}", where=slide
        )
