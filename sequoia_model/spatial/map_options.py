"""How a map is made: windows, their holes, time and precision."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sequoia_base.arguments import check_limits, number, one_of, optional, whole
from sequoia_model.errors import InputError, listing
from sequoia_model.prediction.held_out import ENSEMBLES
from sequoia_model.spatial._budget import seconds_of
from sequoia_model.spatial.holes import HOLES
from sequoia_model.spatial.windows import ORIGINS
from sequoia_model.training.options import PRECISIONS, precision_on

_LIMITS = {
    "stride": optional(whole(1)),
    "ensemble": one_of(ENSEMBLES),
    "origins": one_of(ORIGINS),
    "holes": one_of(tuple(HOLES)),
    "precision": optional(one_of(PRECISIONS)),
    "batch_size": optional(whole(1)),
    "untrained": optional(whole(0)),
    "slide_mpp": optional(number("a number above 0", lambda value: 0 < value < float("inf"))),
}


@dataclass(frozen=True)
class MapOptions:
    """How a map is made.

    Parameters
    ----------
    stride : int, optional
        Places between neighbouring windows, at most the side of a window; 1 by default.
    budget : str or float, optional
        The time for all windows, in seconds or as "10min", which chooses the stride instead.
    ensemble : {"held-out", "all"}
        As in `predict`.
    origins : {"overhang", "published"}
        Where windows may begin.
    holes : {"mean", "packed-zeros", "zeros"}
        What stands where a window has no tile.
    per_tile : bool
        Whether a `TileMLP` scores single tiles, without windows.
    precision : {"float32", "bfloat16"}, optional
        Of the products; by default bfloat16 on a GPU, float32 elsewhere.
    untrained : int, optional
        Random seed of untrained networks, which take the place of the trained ones.
    slide_mpp : float, optional
        µm per pixel of level 0, if the features do not say.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    batch_size : int, optional
        Windows at once; the last digits may depend on it.

    Raises
    ------
    InputError
        If a value is not valid, or options contradict each other.
    """

    stride: int | None = None
    budget: str | float | None = None
    ensemble: str = "held-out"
    origins: str = "overhang"
    holes: str = "mean"
    per_tile: bool = False
    precision: str | None = None
    untrained: int | None = None
    slide_mpp: float | None = None
    device: str = "auto"
    batch_size: int | None = None

    def __post_init__(self) -> None:
        options = {name: f"--{name.replace('_', '-')}" for name in _LIMITS}
        check_limits(
            {option: getattr(self, name) for name, option in options.items()},
            {option: _LIMITS[name] for name, option in options.items()},
        )
        if self.stride is not None and self.budget is not None:
            raise InputError(
                "a stride and a time that chooses it are given", fix="--stride N or --budget TIME"
            )
        if self.per_tile and (self.stride is not None or self.budget is not None):
            raise InputError(
                "--per-tile has no windows, and no stride", fix="leave out --stride and --budget"
            )
        if self.budget is not None:
            seconds_of(self.budget)

    @property
    def seconds(self) -> float | None:
        """The budget in seconds."""
        return None if self.budget is None else seconds_of(self.budget)

    def refuse_without_effect(self, *, windows: bool, latents: bool) -> None:
        """Refuse options that would change nothing.

        Parameters
        ----------
        windows : bool
            Whether there are windows.
        latents : bool
            Whether the networks have latent vectors; scores of tiles need no holes, batches or precision.

        Raises
        ------
        InputError
            Naming them.
        """
        of_windows = {"--origins": self.origins != MapOptions.origins}
        of_latents = {
            "--holes": self.holes != MapOptions.holes,
            "--precision": self.precision is not None,
            "--batch-size": self.batch_size is not None,
        }
        for there, given, what in (
            (latents, of_latents, "for a tile_mlp"),
            (windows, of_windows, "without windows"),
        ):
            if not there and (idle := [option for option, is_given in given.items() if is_given]):
                raise InputError(f"{what} {listing(idle)} would change nothing", fix="leave it out")

    def on(self, device: str) -> MapOptions:
        """The options with the precision of a kind of device, if none was given.

        Parameters
        ----------
        device : str
            cpu, cuda or mps.
        """
        return replace(self, precision=self.precision or precision_on(device))
