"""The work of a map: windows through the networks, their means per tile, and what the map says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.maps import GeneValues, Map
from sequoia_model.errors import InputError, counted, part
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.spatial._budget import Budget, choose_by_time
from sequoia_model.spatial._heads_of_map import MapHeads, place_heads
from sequoia_model.spatial._map_plan import MapPlan
from sequoia_model.spatial._unfinished import Unfinished
from sequoia_model.spatial._values import LatentValues, ScoreValues, WindowValues
from sequoia_model.spatial.map_options import MapOptions
from sequoia_model.spatial.map_result import MapRun
from sequoia_model.spatial.window_means import tile_means
from sequoia_model.spatial.windows import Windows, windows_of
from sequoia_model.weights._folds import run_folder_of
from sequoia_model.weights.heads import HEADS

#: Windows that are computed between two writes to the disk; not the number at once.
WINDOWS_IN_A_BLOCK = 128


@dataclass(frozen=True, eq=False)
class Made:
    """What networks say of every tile: by fold, (tiles, width); and how it was computed."""

    by_fold: Mapping[int, NDArray[np.float32]]
    n_windows: NDArray[np.int64]
    stride: int
    windows: int
    budget: Budget | None


class MapWork:
    """A map that is being made.

    Parameters
    ----------
    plan : MapPlan
        What was decided.
    options : MapOptions
        How it is made.
    device : device
        What computes.
    output : Path
        The map.
    """

    def __init__(self, plan: MapPlan, options: MapOptions, device: torch.device, output: Path) -> None:
        self.plan, self.options, self.device, self.output = plan, options, device, output
        self.tiles = plan.places.places
        size = plan.size
        if (options.stride or 1) > size:
            raise InputError(
                f"stride {options.stride} is larger than a window of {size} × {size} tiles, so tiles between windows "
                "would have no value",
                fix=f"--stride 1 to {size}",
            )

    def windows(self, stride: int) -> Windows:
        """All windows of a stride."""
        return windows_of(self.tiles, size=self.plan.size, stride=stride, origins=self.options.origins)

    def refuse_no_window(self) -> None:
        """Refuse a slide on which no window counts."""
        if self.options.per_tile or len(self.windows(self.options.stride or 1)):
            return
        size, (height, width) = self.plan.size, np.ptp(self.tiles, axis=0) + 1
        larger = ": the window is larger than the slide" if size > min(height, width) else ""
        step = int(np.gcd.reduce((self.tiles - self.tiles.min(axis=0)).ravel()))
        apart = f"; the step from tile to tile is {step} times their side" if step > 1 else ""
        mlp = "with weights of a tile_mlp and --per-tile" if self.plan.is_linear else "with --per-tile"
        raise InputError(
            f"no window of {size} × {size} tiles has more than half of them on the {counted(len(self.tiles), 'tile')} "
            f"of the slide, which cover {height} × {width} places{larger}{apart}",
            where=self.plan.places.bag.slide,
            fix=f"map single tiles {mlp}; if tiles are missing, use embed --all-tiles",
        )

    def heads(self, given: str | Path | None) -> MapHeads | None:
        """The heads file; None for networks without one."""
        plan, seed = self.plan, self.options.untrained
        if not plan.is_linear:
            if given is not None:
                raise InputError("a tile_mlp has no heads", fix="leave out --heads")
            return None
        name = HEADS if seed is None else f"heads-untrained-{seed}.h5"
        run = _run_folder(plan.plan.weights.source) if seed is None else None
        return place_heads(plan.everyone, plan.genes, output=self.output, run=run, given=given, name=name)

    def values(self) -> WindowValues:
        """What computes the windows."""
        plan, options = self.plan, self.options
        features = plan.places.bag.features
        assert features is not None and options.precision is not None
        if plan.is_linear:
            return LatentValues(
                plan.networks, features, holes=options.holes, precision=options.precision, device=self.device,
                batch_size=options.batch_size,
            )  # fmt: skip
        return ScoreValues(plan.networks, features, plan.outputs, device=self.device)

    def compute(self, kept: Unfinished, progress: ProgressBar | None) -> Made:
        """The means of all tiles, by fold."""
        values = self.values()
        if isinstance(values, ScoreValues) and self.options.per_tile:
            by_fold = {fold: values.of_tiles(fold) for fold in self.plan.networks}
            for fold, scores in by_fold.items():
                self._refuse_infinite(scores, fold)
            return Made(by_fold, np.ones(len(self.tiles), dtype=np.int64), 1, 0, None)
        stride, budget = self._stride(values, kept)
        windows = self.windows(stride)
        todo = []
        for fold in self.plan.networks:
            done = kept.rows(f"fold_{fold}", values.width, WINDOWS_IN_A_BLOCK).done(len(windows))
            todo += [(fold, start) for start in range(done, len(windows), WINDOWS_IN_A_BLOCK)]
        for fold, start in todo if progress is None else progress(todo, len(todo)):
            rows = values.of(fold, windows, slice(start, min(start + WINDOWS_IN_A_BLOCK, len(windows))))
            kept.rows(f"fold_{fold}", values.width, WINDOWS_IN_A_BLOCK).append(rows)
        by_fold, n_windows = {}, np.zeros(len(self.tiles), dtype=np.int64)
        for fold in self.plan.networks:
            rows = kept.rows(f"fold_{fold}", values.width, WINDOWS_IN_A_BLOCK).read()
            by_fold[fold], n_windows = tile_means(rows, windows, len(self.tiles))
            self._refuse_infinite(by_fold[fold][n_windows > 0], fold)
        return Made(by_fold, n_windows, stride, len(windows), budget)

    def _stride(self, values: WindowValues, kept: Unfinished) -> tuple[int, Budget | None]:
        """The stride, and the record of the time that chose it; that of an interrupted call stays."""
        settings, seconds = self._settings(), self.options.seconds
        if seconds is None:
            stride = self.options.stride or 1
            kept.begin(settings | {"stride": stride})
            return stride, None
        if words := kept.settings().get("budget"):
            before = Budget.of(words)
            same = kept.settings() == settings | {"stride": before.stride, "budget": words}
            if same and before.seconds == seconds:
                return before.stride, before
        plan = self.plan
        outputs = list(range(len(plan.genes))) if plan.is_linear else plan.outputs
        budget = choose_by_time(
            values, list(plan.networks), self.tiles, seconds, size=plan.size, origins=self.options.origins,
            outputs=outputs,
        )  # fmt: skip
        kept.begin(settings | {"stride": budget.stride, "budget": budget.to_uns()})
        return budget.stride, budget

    def _settings(self) -> dict[str, Any]:
        """Everything on which the windows' values depend, but for the stride."""
        plan, options, bag = self.plan, self.options, self.plan.places.bag
        digest = hashlib.sha256(np.ascontiguousarray(bag.features).data)
        digest.update(np.ascontiguousarray(self.tiles).data)
        return {
            "features": digest.hexdigest(),
            "networks": {str(fold): _digest(network) for fold, network in plan.networks.items()},
            "outputs": [] if plan.is_linear else plan.outputs,
            "origins": options.origins,
            "holes": options.holes,
            "precision": options.precision,
            "batch_size": options.batch_size,
            "device": self.device.type,
            "versions": _versions(),
        }

    def _refuse_infinite(self, values: NDArray[np.float32], fold: int) -> None:
        wrong = int(np.count_nonzero(~np.isfinite(values).all(axis=1)))
        if wrong:
            raise InputError(
                f"the values of {part(wrong, len(values), 'tile', 'are')} NaN or infinite in fold {fold}",
                where=self.plan.places.bag.slide,
                fix="check features and weights",
            )

    def assemble(self, made: Made, heads: MapHeads | None, columns: pd.DataFrame) -> Map:
        """The map, with its heads written."""
        plan, places = self.plan, self.plan.places
        covered = int(np.count_nonzero(made.n_windows))
        flow = Flow()
        if covered < len(self.tiles):
            reason = "the others are in no window with tiles at more than half of its places"
            flow.add("tiles: in a window", len(self.tiles), covered, reason)
        values = None
        if not plan.is_linear:
            stacked = np.stack([made.by_fold[fold] for fold in plan.networks])
            spread = stacked.std(axis=0, dtype=np.float64).astype(np.float32) if len(stacked) > 1 else None
            values = GeneValues(
                plan.wanted, stacked.mean(axis=0, dtype=np.float64).astype(np.float32), spread
            )
        return Map(
            places=self.tiles,
            centres_um=places.centres_um,
            centres_px=places.centres_px,
            n_windows=made.n_windows,
            about=self._about(made),
            latents=made.by_fold if plan.is_linear else {},
            heads=None if heads is None else heads.open(),
            values=values,
            columns=columns,
            flow=flow,
        )

    def _about(self, made: Made) -> dict[str, Any]:
        """What the map says of itself: nothing that differs from run to run."""
        plan, options, places = self.plan, self.options, self.plan.places
        weights, choice = plan.plan.weights, plan.choice
        fresh = options.untrained is not None
        used = [weights.folds.index(fold) for fold in plan.networks]
        windowed = not options.per_tile
        width, height = places.bag.geometry.slide_size or (0, 0)
        return {
            "slide": plan.slide.name,
            "patient_id": plan.slide.patient.name,
            "source": self.source,
            "weights": weights.source,
            "digests": [weights.digests[i] for i in used] if weights.digests and not fresh else [],
            "seed": options.untrained if fresh else -1,
            "folds": list(plan.networks),
            "ensemble": options.ensemble,
            "held_out": -1 if choice.fold is None else choice.fold,
            "seen": choice.seen and not fresh,
            "architecture": weights.architecture,
            "encoder": plan.plan.spec.encoder,
            "units": weights.units,
            "window": plan.size if windowed else 1,
            "stride": made.stride,
            "origins": options.origins if windowed else "",
            "holes": (options.holes if plan.is_linear else "none") if windowed else "",
            "n_windows": made.windows,
            "precision": options.precision if plan.is_linear else "float32",
            "device": self.device.type,
            "tile_um": places.side_um,
            "tile_px": places.side_px,
            "slide_mpp": places.slide_mpp,
            "slide_width": width,
            "slide_height": height,
            "notes": list(plan.warnings),
            "versions": _versions(),
        } | ({"budget": made.budget.to_uns()} if made.budget else {})

    @property
    def source(self) -> str:
        """What makes the values."""
        how = "per-tile" if self.options.per_tile else "windows"
        if self.options.untrained is None:
            return how
        return "untrained" if how == "windows" else f"untrained {how}"

    def outcome(self, result: Map, made: Made) -> MapRun:
        """What was done."""
        about, plan = result.about, self.plan
        return MapRun(
            output=str(self.output),
            slide=result.slide,
            patient_id=about["patient_id"],
            source=about["source"],
            n_tiles=len(self.tiles),
            n_covered=int(result.covered.sum()),
            n_windows=made.windows,
            window=about["window"],
            stride=made.stride,
            folds=tuple(plan.networks),
            held_out=plan.choice.fold,
            seen=about["seen"],
            n_genes=len(plan.wanted),
            n_predicted=len(plan.genes) if plan.is_linear else len(plan.wanted),
            encoder=about["encoder"],
            units=about["units"],
            precision=about["precision"],
            device=about["device"],
            heads="" if result.heads is None else str(result.heads.path),
            budget="" if made.budget is None else str(made.budget),
            flow=result.flow.to_frame(),
            warnings=plan.warnings,
        )


def _run_folder(source: str) -> Path | None:
    """The folder that may hold the heads of weights."""
    place = Path(source)
    folder = place if place.is_dir() else place.parent
    return run_folder_of(folder) or folder if place.exists() else None


def _digest(network: SlideNetwork) -> str:
    """SHA-256 of the parameters of a network."""
    digest = hashlib.sha256()
    for name, values in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values.detach().float().cpu().numpy()).data)
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("sequoia-histology", "torch", "numpy")}
