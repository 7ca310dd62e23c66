"""The formats that the product reads: files of each, which of them are damaged, and the command that reads them."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.build import features as made_features
from tests.build.commands import write_made_cohort
from tests.build.networks import write_folds, write_genes
from tests.build.risks import make_risks, write_risks
from tests.build.slides import make_picture, write_image, write_scn, write_slide
from tests.build.weights import checkpoints
from tests.results import inputs


@dataclass(frozen=True)
class Format:
    """Files in an empty folder, the ones to damage (as glob patterns), and the commands that run there."""

    writers: tuple[Callable[[Path], object], ...]
    victims: tuple[str, ...]
    commands: tuple[str, ...]


def _slide(name: str, options: str = "", **made: object) -> Format:
    def write(folder: Path) -> None:
        write_slide(folder / "in" / name, size=(600, 400), **made)

    return _tiled(write, f"in/{name}", options)


def _image(name: str) -> Format:
    return _tiled(
        lambda folder: write_image(folder / "in" / name, size=(500, 400)), f"in/{name}", "--slide-mpp 0.5"
    )


def _tiled(write: Callable[[Path], object], victim: str, options: str = "") -> Format:
    """A slide that is damaged, beside a good one."""

    def also(folder: Path) -> None:
        write_slide(folder / "in" / "good.tif", size=(400, 300))

    return Format((write, also), (victim,), (f"sequoia-model tile in -o out {options} --jobs 1",))


def _scn(folder: Path) -> None:
    write_scn(
        folder / "in" / "S.scn", make_picture((512, 512), [(64, 64, 448, 448)]), (512, 512), (3072, 3072)
    )


def _features(layout: str, suffix: str = "S1.h5") -> Format:
    def write(folder: Path) -> None:
        getattr(made_features, f"write_{layout}")(folder / "in" / suffix, 120, 32)
        made_features.write_ours(folder / "in" / "good.h5", 120, 32)

    command = (
        "sequoia-model predict in --weights weights --genes genes.txt --device cpu -o out.h5ad --encoder uni"
    )
    return Format((_networks, write), (f"in/{suffix}",), (command,))


def _networks(folder: Path) -> None:
    write_folds(folder / "weights", "mine", folds=range(2))
    write_genes(folder / "genes.txt")


def _checkpoint(folder: Path) -> None:
    checkpoints(folder / "weights", "model_best.pt")


def _gzipped(folder: Path) -> None:
    for name in ("expression.csv", "clinical.csv"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))


def _drawn_mask(folder: Path) -> None:
    picture = make_picture(mpp=2.0)
    write_image(folder / "drawn.png", ((picture < 200).any(axis=2) * 255).astype("uint8"))


def _risks(folder: Path) -> None:
    write_risks(folder, make_risks())


def _gsva_reference(folder: Path) -> None:
    shutil.copy(inputs.DATA / "results" / "old_files" / "reference.h5", folder)


_SAID = "--id-column patient --time-column months --time-unit months --event-column status --endpoint RFS"
_CONVERT = f"sequoia-stats cohort convert expression.csv --clinical clinical.csv {_SAID} -o out.h5ad"
_VALIDATE = "sequoia-stats signature validate rank.json cohort.h5ad --bootstrap 0 -o out"
_WEIGHTS = "sequoia-model weights show weights"
_PREDICT = "sequoia-model predict features --weights weights --genes genes.txt --device cpu"
_ONE = "sequoia-model tile slides/S1.tif --jobs 1 -o out"
_COHORT = (inputs.signatures, lambda folder: write_made_cohort(folder / "cohort.h5ad"))


FORMATS: dict[str, Format] = {
    "aperio": _slide("S.svs", aperio=True, compression="jpeg"),
    "tiff": _slide("S.tif"),
    "scn": _tiled(_scn, "in/S.scn"),
    "scanned": Format((inputs.scanned,), ("CMU.svs",), ("sequoia-model tile CMU.svs --max-tiles 20 --jobs 1 -o out",)),
    "png": _image("S.png"),
    "jpeg": _image("S.jpg"),
    "plain-tiff": _image("S.tiff"),
    "info": Format(
        (lambda folder: write_slide(folder / "S.svs", size=(400, 300), aperio=True),), ("S.svs",),
        ("sequoia-model info S.svs",),
    ),
    "features": _features("ours"),
    "trident": _features("trident", "features_uni/S1.h5"),
    "clam": _features("clam"),
    "stamp": _features("stamp"),
    "published": _features("sequoia", "BRCA/S1/S1.h5"),
    "weights": Format((_networks,), ("weights/*/*",), (_WEIGHTS,)),
    "checkpoint": Format((_checkpoint,), ("weights/*.pt",), (_WEIGHTS,)),
    "measured-h5ad": Format(
        (inputs.networks, inputs.features, inputs.measured), ("measured.h5ad",),
        (f"{_PREDICT} --measured measured.h5ad -o o.h5ad",),
    ),
    "measured-csv": Format(
        (inputs.networks, inputs.features, inputs.measured), ("measured.csv", "patients.csv", "genes.txt"),
        (f"{_PREDICT} --patients patients.csv --measured measured.csv -o o.h5ad",),
    ),
    "pickle": Format(
        (inputs.old_results,), ("results.pkl",),
        ("sequoia-model convert-results results.pkl -o out.h5ad", "sequoia-model splits audit results.pkl"),
    ),
    "balanced": Format(
        (inputs.patients,), ("p.csv",),
        ("sequoia-model splits --from draw --patients p.csv --site site --balance cancer --folds 3 -o out.csv",),
    ),
    "splits": Format(
        (inputs.files_of_splits,), ("clam/*", "slides.csv"),
        (
            "sequoia-model splits --from clam --patients slides.csv -o out.csv",
            "sequoia-model splits audit clam --patients slides.csv",
        ),
    ),
    "geojson": Format((inputs.slides,), ("drawn.geojson",), (f"{_ONE} --annotation drawn.geojson",)),
    "mask": Format((inputs.slides, _drawn_mask), ("drawn.png",), (f"{_ONE} --annotation drawn.png",)),
    "scales": Format(
        (inputs.slides,), ("scales.csv",), ("sequoia-model tile picture --mpp-table scales.csv --jobs 1 -o out",)
    ),
    "tables": Format((inputs.tables,), ("expression.csv", "clinical.csv"), (_CONVERT,)),
    "outcome": Format(
        (inputs.tables,), ("clinical.csv",), (f"sequoia-stats outcome convert clinical.csv {_SAID} -o out.csv",)
    ),
    "study-outcome": Format(
        (inputs.study,), ("study/data_clinical_patient.txt",),
        ("sequoia-stats outcome convert study --endpoint OS -o out.csv",),
    ),
    "risks": Format(
        (_risks,), ("good.csv", "good.folds.csv", "outcome.csv", "clinical.csv"),
        ("sequoia-stats risk compare good.csv noise.csv --outcome outcome.csv --clinical clinical.csv --adjust age "
         "--bootstrap 10 -o out",),
    ),
    "gzip": Format(
        (inputs.tables, _gzipped), ("*.gz",), (_CONVERT.replace(".csv", ".csv.gz"),)
    ),
    "parquet": Format(
        (inputs.tables, inputs.signatures), ("expression.parquet",),
        ("sequoia-stats signature score rank.json expression.parquet -o out.csv",),
    ),
    "study": Format(
        (inputs.study,), ("study/*",),
        ("sequoia-stats cohort convert study --endpoint OS --expression data_mrna_seq_v2_rsem.txt -o out.h5ad",),
    ),
    "cohort": Format(_COHORT, ("cohort.h5ad",), (_VALIDATE,)),
    "signature": Format(_COHORT, ("rank.json",), (_VALIDATE,)),
    "predictions": Format((inputs.predictions,), ("p.h5ad",), ("sequoia-stats genes p.h5ad -o out.csv",)),
    "matrices": Format(
        (inputs.matrices,), ("predicted.csv", "measured.csv", "patients.csv"),
        ("sequoia-stats genes predicted.csv --measured measured.csv --untrained untrained.csv --patients patients.csv "
         "-o out.csv",),
    ),
    "gene-sets": Format(
        (inputs.gene_sets,), ("sets.gmt", "lists.csv", "universe.txt"),
        ("sequoia-stats ora lists.csv --universe universe.txt --sets sets.gmt --min-size 1 -o out.csv",),
    ),
    "ranks": Format(
        (inputs.gene_sets,), ("ranks.csv",),
        ("sequoia-stats gsea ranks.csv --sets sets.gmt --min-size 1 --permutations 20 --jobs 1 -o out.csv",),
    ),
    "gsva": Format(
        (inputs.gsva_tables, inputs.gene_sets), ("numbers.csv",),
        ("sequoia-stats gsva numbers.csv --sets sets.gmt -o out.csv",),
    ),
    "gsva-reference": Format(
        (inputs.gsva_tables, _gsva_reference), ("reference.h5",),
        ("sequoia-stats gsva new.csv --reference reference.h5 -o out.csv",),
    ),
}  # fmt: skip
