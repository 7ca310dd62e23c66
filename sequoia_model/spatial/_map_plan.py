"""What is decided about a map before any window is computed: networks, genes, tiles and windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.feature_files import read
from sequoia_model.nets import TileMLP
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.prediction.held_out import NetworkChoice
from sequoia_model.prediction.plan import Plan, PlannedSlide, make_plan, output_genes, refuse_risk
from sequoia_model.prediction.result import RunRecord
from sequoia_model.spatial.tile_places import TilePlaces, place_tiles
from sequoia_model.spatial.windows import window_size
from sequoia_model.targets.network_input import SAME_SIDE, InputSpec, notes_of, refuse_misfit
from sequoia_model.types.bag import FeatureBag
from sequoia_model.weights.gene_lists import read_genes
from sequoia_model.weights.loading import Weights, untrained


@dataclass(frozen=True, eq=False)
class MapPlan:
    """Everything that is decided before a map.

    Parameters
    ----------
    places : TilePlaces
        The tiles, with their features.
    plan : Plan
        As of a prediction of this one slide.
    networks : mapping of int to SlideNetwork
        Those that are used, by their fold.
    everyone : mapping of int to SlideNetwork
        All networks of the weights, by their fold.
    wanted : tuple of str
        The genes whose values are written.
    size : int
        Places along the side of a window; 1 for single tiles.
    warnings : tuple of str
        What the user should know.
    """

    places: TilePlaces
    plan: Plan
    networks: Mapping[int, SlideNetwork]
    everyone: Mapping[int, SlideNetwork]
    wanted: tuple[str, ...]
    size: int
    warnings: tuple[str, ...]

    @property
    def slide(self) -> PlannedSlide:
        """The slide, its patient, and which networks may predict it."""
        return self.plan.slides[0]

    @property
    def choice(self) -> NetworkChoice:
        """Which networks are used, and why."""
        assert isinstance(self.slide.choice, NetworkChoice)  # refused in `plan_map`
        return self.slide.choice

    @property
    def genes(self) -> tuple[str, ...]:
        """All genes that the networks predict."""
        return self.plan.genes

    @property
    def outputs(self) -> list[int]:
        """The asked genes, by their number among the outputs."""
        position = {gene: i for i, gene in enumerate(self.genes)}
        return [position[gene] for gene in self.wanted]

    @property
    def is_linear(self) -> bool:
        """Whether the networks end in a linear layer, so that latent vectors stand for all genes."""
        return not isinstance(next(iter(self.networks.values())), TileMLP)


def plan_map(
    features: str | Path | FeatureBag,
    weights: Weights,
    *,
    encoder: str | None = None,
    genes: str | Path | Sequence[str] | None = None,
    gene_names: str | Path | Sequence[str] | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    ensemble: str = "held-out",
    slide_mpp: float | None = None,
    untrained_seed: int | None = None,
    per_tile: bool = False,
) -> MapPlan:
    """Read the features of a slide, and decide which networks map which genes.

    Parameters
    ----------
    features : path or FeatureBag
        All tiles of the slide.
    weights : Weights
        The networks.
    encoder, genes, gene_names, patients, ensemble, slide_mpp
        As in `map_slide`.
    untrained_seed : int, optional
        Random seed of networks that take the place of those of the weights.
    per_tile : bool
        As in `map_slide`.

    Raises
    ------
    InputError
        If the features, the weights or the genes cannot be used, or do not fit each other.
    """
    refuse_risk(weights)
    names = output_genes(weights, gene_names, option="--gene-names")
    wanted = asked_genes(genes, names, weights.source)
    _refuse_architecture(weights, wanted, per_tile)
    size = 1 if per_tile else window_size(weights.networks[0])
    spec = InputSpec.of(weights, encoder, 0)
    bag = features if isinstance(features, FeatureBag) else read(features, encoder=spec.encoder)
    where = bag.slide if isinstance(features, FeatureBag) else str(features)
    try:
        refuse_misfit(bag, spec)
        places = place_tiles(bag, slide_mpp=slide_mpp)
        note = _tiles_fit(places, weights)
        plan = make_plan(
            [Path(where)], weights, encoder=encoder, genes=names, patients=patients, ensemble=ensemble
        )
        (slide,) = plan.slides
        if isinstance(slide.choice, InputError):
            raise slide.choice
    except InputError as error:
        if where not in error.where:
            error.where = where if error.where in ("", bag.slide) else f"{where}; {error.where}"
        raise
    fresh = weights.networks if untrained_seed is None else untrained(weights, untrained_seed)
    everyone = dict(zip(weights.folds, fresh, strict=True))
    used = {weights.folds[i]: everyone[weights.folds[i]] for i in slide.choice.networks}
    known = RunRecord(plan, done=[(slide, notes_of(bag, plan.spec, ""))]).notes()
    about = _of_patient(plan, slide.choice) if untrained_seed is None else []
    return MapPlan(places, plan, dict(sorted(used.items())), everyone, wanted, size, (*about, *known, *note))


def _of_patient(plan: Plan, choice: NetworkChoice) -> list[str]:
    """What to know of the patient of the slide, in one sentence."""
    (slide,), weights = plan.slides, plan.weights
    patient = slide.patient.name
    better = "so the map looks better than that of a new patient"
    if plan.namesakes:
        same = (
            f"the patient {patient} has the name of a patient in training, but the slide was not in training"
        )
        if choice.seen:
            return [
                f"{same}: if it is the same patient, networks that predict here were trained on it, {better}; if not, "
                "give another name with --patients"
            ]
        return [
            f"{same}: the map is by the fold that held the name out; if it is another patient, use --ensemble all, or "
            "another name with --patients"
        ]
    if choice.seen:
        return [f"the patient {patient} was used to train networks that predict here, {better}"]
    if not slide.patient.known and weights.splits is not None and not weights.slides:
        return [
            "the slide has no patient, and is taken as new to the networks; one of a patient in training must be named "
            "with --patients"
        ]
    return []


def asked_genes(
    given: str | Path | Sequence[str] | None, known: Sequence[str], source: str
) -> tuple[str, ...]:
    """The genes that are asked for.

    Parameters
    ----------
    given : path, str or sequence of str, optional
        A file as for `read_genes`, names separated by commas, or a list.
    known : sequence of str
        The genes that the networks predict.
    source : str
        The weights, for the message.

    Raises
    ------
    InputError
        If a file cannot be read, a name is there twice, or the networks do not predict a gene.
    """
    if given is None:
        return ()
    of = ""
    if isinstance(given, str | Path) and _is_file(given):
        names, of = read_genes(given), f" of {given}"
    elif isinstance(given, str | Path):
        names = tuple(name.strip() for name in str(given).split(",") if name.strip())
    else:
        names = tuple(given)
    repeated = sorted(name for name, n in Counter(names).items() if n > 1)
    if repeated or not names:
        what = f"{counted(len(repeated), 'gene is', 'genes are')} named twice: {listing(repeated)}"
        raise InputError(
            what if repeated else "no gene is named", fix="--genes A,B or a file, a name per line"
        )
    there = set(known)
    absent = [name for name in names if name not in there]
    if absent:
        some = part(len(absent), len(names), f"gene{of}", "are", f"genes{of}")
        no_file = "" if of or len(names) > 1 else f"; if {names[0]} is a file, it does not exist"
        raise InputError(
            f"{some} not predicted: {listing(absent, 5)}{no_file}",
            where=source,
            fix="leave them out; genes.csv of the weights lists those that are predicted, in their spelling",
        )
    return names


def _is_file(given: str | Path) -> bool:
    """Whether a word means a file: one that is there, or has the name of one."""
    path = Path(given)
    return isinstance(given, Path) or path.is_file() or "/" in given or path.suffix in (".txt", ".csv", ".gz")


def _refuse_architecture(weights: Weights, wanted: Sequence[str], per_tile: bool) -> None:
    """Refuse what an architecture cannot do: it is linear at its end, or scores single tiles."""
    is_mlp = isinstance(weights.networks[0], TileMLP)
    if per_tile and not is_mlp:
        raise InputError(
            f"--per-tile needs the scores of single tiles, which a {weights.architecture} does not have",
            where=weights.source,
            fix="leave out --per-tile, or give weights of a tile_mlp",
        )
    if is_mlp and not wanted:
        raise InputError(
            "a tile_mlp is not linear at its end, so its map holds no other genes than those that are asked for",
            where=weights.source,
            fix="name them with --genes",
        )


def _tiles_fit(places: TilePlaces, weights: Weights) -> list[str]:
    """A note if the size of the tiles cannot be checked; an error if it is not that of the weights."""
    ours = places.side_um
    if weights.tile_um is None:
        return [
            "the weights do not say how wide the tiles were that they learnt from, so it is not checked that "
            f"{ours:.4g} µm is right"
        ]
    if abs(ours / weights.tile_um - 1) > SAME_SIDE:
        raise InputError(
            f"the tiles are {ours:.4g} µm wide, but the networks learnt from tiles of {weights.tile_um:.4g} µm",
            fix=f"compute features of tiles of {weights.tile_um:.4g} µm",
        )
    return []
