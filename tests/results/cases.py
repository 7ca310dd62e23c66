"""The table of cases: the files written to an empty folder, the commands that run there, and the outputs to read.

Every command runs with ``--json``, and what it prints is read as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.results import inputs

Writer = Callable[[Path], None]


class Tolerance(NamedTuple):
    """How far numbers may be from stored ones: atol + rtol × the stored one."""

    rtol: float = 1e-12
    atol: float = 1e-15


EXACT = Tolerance()
#: For what R has fitted.
FITTED = Tolerance(1e-9, 1e-9)
#: For differences of log-likelihoods, and p-values of them: the last digits depend on how a processor adds.
LIKELIHOODS = Tolerance(1e-9, 1e-12)
#: For what torch has computed, in single precision: other processors add in another order, and differ by up to 5e-6.
SINGLE = Tolerance(2e-5, 2e-5)
NEEDS_R = (pytest.mark.needs_r,)
SLOW = (pytest.mark.slow,)


@dataclass(frozen=True)
class Case:
    """Commands on small inputs, whose results are stored under a name.

    `apart` is part of the names of values that are not compared, since they differ between processors.
    """

    name: str
    inputs: tuple[Writer, ...]
    commands: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    tolerance: Tolerance = EXACT
    marks: tuple[Any, ...] = ()
    apart: str | None = None


def _stats(name: str, writers: tuple[Writer, ...], commands: dict[str, str], **more: Any) -> Case:
    """A case of `sequoia-stats`: what each command writes, with the words of the command."""
    return _case("sequoia-stats", name, writers, commands, more)


def _model(name: str, writers: tuple[Writer, ...], commands: dict[str, str], **more: Any) -> Case:
    """A case of `sequoia-model`, in the same way."""
    return _case("sequoia-model", name, writers, commands, more)


def _case(
    program: str, name: str, writers: tuple[Writer, ...], commands: dict[str, str], more: dict[str, Any]
) -> Case:
    lines = tuple(f"{program} {words} -o {output}" for output, words in commands.items())
    outputs = more.pop("outputs", tuple(commands))
    return Case(name, writers, lines, outputs, **more)


def _told(name: str, writers: tuple[Writer, ...], *commands: str, **more: Any) -> Case:
    """A case of commands that print their result, or that name their outputs themselves."""
    return Case(name, writers, commands, **more)


_SAID = "--id-column patient --time-column months --event-column status --endpoint RFS"
_TIDY = f"{_SAID} --time-unit months --clinical clinical.csv"
_RSEM = "--expression data_mrna_seq_v2_rsem.txt"
_CONVERT = f"sequoia-stats cohort convert expression.csv {_TIDY} -o cohort.h5ad"

COHORTS = [
    _stats("convert-study", (inputs.study,), {
        "os.h5ad": f"cohort convert study --endpoint OS {_RSEM}",
        "chosen.h5ad": "cohort convert study --format cbioportal --endpoint OS --expression data_mrna_other.txt",
        "rfs.h5ad": f"cohort convert study --endpoint RFS --drop-invalid --covariates AGE_AT_DIAGNOSIS {_RSEM}",
    }),
    _stats("convert-tables", (inputs.tables,), {
        "csv.h5ad": f"cohort convert expression.csv {_TIDY}",
        "tsv.h5ad": f"cohort convert expression.tsv {_TIDY} --covariates er,age",
        "rows.h5ad": f"cohort convert rows.csv {_TIDY} --genes-in rows",
        "again.h5ad": "cohort convert csv.h5ad",
        "single.h5ad": f"cohort convert single.csv {_SAID} --time-unit years --event-value dead --covariates age",
        "rotten.h5ad": f"cohort convert expression.csv {_TIDY.replace('clinical.csv', 'rotten.csv')} --drop-invalid",
    }),
    _told("describe", (inputs.tables,), _CONVERT, "sequoia-stats cohort describe cohort.h5ad"),
    _told("describe-bundled", (),
        "sequoia-stats cohort describe tcga-brca",
        "sequoia-stats cohort describe tcga-brca:OS",
        "sequoia-stats cohort describe scan-b",
        "sequoia-stats cohort describe metabric",
    ),
]  # fmt: skip

_FIT = "sequoia-stats signature fit"
_MADE = (inputs.tables, inputs.lists, inputs.signatures)
SIGNATURES = [
    _told("signature-fit", _MADE,
        _CONVERT,
        f"{_FIT} cohort.h5ad --folds 5 --repeats 3 --seed 4 --jobs 1 -o min.json",
        f"{_FIT} cohort.h5ad --foldid folds.csv --lambda 1se --alpha 0.5 --transform zscore --jobs 1 -o fold.json",
        f"{_FIT} cohort.h5ad --lambda 0.05 --genes candidates.txt --shared-with fewer_genes.csv --jobs 1 -o value.json",
        f"{_FIT} cohort.h5ad --lambda 0.1 --transform none --jobs 1 -o plain.json",
        outputs=("min.json", "fold.json", "value.json", "plain.json"), tolerance=FITTED, marks=NEEDS_R,
    ),
    _told("signature-fit-tcga", _MADE,
        f"{_FIT} tcga-brca --genes real.txt --shared-with metabric --lambda-min-ratio 0.05 --seed 7 --jobs 1 -o s.json",
        "sequoia-stats signature validate s.json metabric --adjust pam50,er,pr --bootstrap 20 -o v",
        outputs=("s.json", "v/validation.json", "v/scores.csv"), tolerance=FITTED, marks=NEEDS_R,
    ),
    _told("signature-folds", _MADE,
        _CONVERT,
        f"{_FIT} cohort.h5ad --splits folds.csv --lambda 0.05 --jobs 1 -o folds",
        "sequoia-stats signature score --signatures folds cohort.h5ad -o scores.csv",
        outputs=("folds/fold_0.json", "folds/fold_3.json", "folds/splits.csv", "scores.csv", "scores.folds.csv"),
        tolerance=FITTED, marks=NEEDS_R,
    ),
    *(
        _stats(f"signature-score-{transform}", _MADE, {
            "cohort.csv": f"signature score {transform}.json expression.csv",
            "training.csv": f"signature score {transform}.json expression.csv --scale training",
        })
        for transform in ("rank", "zscore", "log2", "none")
    ),
    _stats("signature-score-files", _MADE, {
        "rows.out.csv": "signature score rank.json rows.csv --genes-in rows",
        "parquet.out.csv": "signature score zscore.json expression.parquet",
        "h5ad.out.csv": "signature score zscore.json expression.h5ad --scale training",
        "lost.csv": "signature score rank.json fewer_genes.csv --max-weight-lost 0.9",
    }),
    _stats("signature-score-intervals", (inputs.predictions, inputs.signatures), {
        "p.csv": "signature score zscore.json p.h5ad",
        "other.csv": "signature score rank.json q.h5ad --calibration p.h5ad --level 0.8",
        "within.csv": "signature score none.json p.h5ad --level 0.5 --intervals-within cohort",
        "without.csv": "signature score none.json p.h5ad --no-intervals",
    }),
    _told("signature-validate", _MADE,
        _CONVERT,
        "sequoia-stats signature validate rank.json cohort.h5ad --adjust pam50,er,age --bootstrap 50 --seed 3 -o a",
        "sequoia-stats signature validate zscore.json cohort.h5ad --cut median --scale training --bootstrap 0 -o b",
        "sequoia-stats signature validate none.json cohort.h5ad --max-weight-lost 0.9 --bootstrap 20 -o c",
        "sequoia-stats signature show rank.json",
        outputs=tuple(f"{folder}/{name}" for folder in "abc" for name in ("validation.json", "scores.csv")),
        tolerance=LIKELIHOODS,
    ),
    *(
        _told(f"signature-{cohort.partition(':')[0]}", _MADE,
            f"sequoia-stats signature score real.json {cohort} -o cohort.csv",
            f"sequoia-stats signature score real.json {cohort} --scale training -o training.csv",
            f"sequoia-stats signature validate real.json {cohort} --adjust pam50,er,pr --bootstrap 20 -o v",
            f"sequoia-stats signature validate real.json {cohort} --cut median --adjust age --bootstrap 0 -o w",
            outputs=("cohort.csv", "training.csv", "v/validation.json", "v/scores.csv", "w/validation.json"),
            tolerance=LIKELIHOODS,
        )
        for cohort in ("metabric", "scan-b", "tcga-brca:OS")
    ),
]  # fmt: skip

_TABLES = "--measured measured.csv --untrained untrained.csv"
SELECTION = [
    _stats("genes-rules", (inputs.predictions,), {
        "paper.csv": "genes p.h5ad",
        "code.csv": "genes p.h5ad --rule published-code",
        "strict.csv": "genes p.h5ad --rule strict",
    }),
    _stats("genes-methods", (inputs.predictions,), {
        f"{method}.csv": f"genes p.h5ad --method {method}"
        for method in ("steiger", "williams", "dunn-clark", "hotelling", "meng")
    }),
    _stats("genes-levels-and-units", (inputs.predictions,), {
        "by.csv": "genes p.h5ad --rule strict --by cohort",
        "patients.csv": "genes p.h5ad --units patients",
        "slides.csv": "genes p.h5ad --rule strict --units slides",
        "bootstrap.csv": "genes p.h5ad --units cluster-bootstrap --bootstrap 100 --seed 5",
    }),
    _stats("genes-tables", (inputs.matrices,), {
        "out.csv": f"genes predicted.csv {_TABLES}",
        "strict.csv": f"genes predicted.csv {_TABLES} --patients patients.csv --rule strict",
        "rows.csv": f"genes predicted_rows.csv {_TABLES.replace('.csv', '_rows.csv')} --genes-in rows",
    }),
    _told("compare", (inputs.predictions,),
        "sequoia-stats compare p.h5ad q.h5ad --names a,b --top 5 -o all",
        "sequoia-stats compare p.h5ad q.h5ad --rule strict --by cohort --top 5 -o by",
        "sequoia-stats compare q.h5ad p.h5ad --method meng --units patients -o units",
        outputs=tuple(
            f"{folder}/{name}.csv" for folder in ("all", "by", "units") for name in ("comparison", "models", "genes")
        ),
    ),
]  # fmt: skip

_SETS = "--sets sets.gmt --min-size 1"
_SIZES = "--min-size 2 --max-size 9"
_REAL = "--universe real_universe.txt --min-size 2"
PATHWAYS = [
    _stats("ora", (inputs.gene_sets,), {
        "one.csv": f"ora list.txt --universe universe.txt {_SETS}",
        "several.csv": f"ora lists.csv list.txt --universe universe.txt {_SETS} --sets more.gmt --max-size 12",
        "hallmark.csv": f"ora real_list.txt {_REAL} --sets hallmark",
        "kegg.csv": f"ora real_list.txt {_REAL} --sets kegg --sets more.gmt",
        "aliases.csv": f"ora real_list.txt {_REAL} --sets more.gmt --aliases",
    }),
    _stats("ora-of-genes", (inputs.predictions, inputs.gene_sets), {
        "genes.csv": "genes p.h5ad --by cohort",
        "out.csv": f"ora genes.csv --universe universe.txt {_SETS}",
    }),
    _stats("gsea", (inputs.gene_sets,), {
        "one.csv": f"gsea ranks.csv {_SETS} --permutations 50 --seed 2 --threads 1",
        "by.csv": f"gsea ranks.csv {_SETS} --sets more.gmt --rank z --by level --permutations 20 --threads 1",
        "aliases.csv": f"gsea real_ranks.csv --sets more.gmt --aliases {_SIZES} --permutations 20 --threads 1",
        "hallmark.csv": "gsea real_ranks.csv --sets hallmark --min-size 2 --permutations 20 --threads 1",
    }),
    _stats("gsva-kernels", (inputs.gsva_tables, inputs.gene_sets), {
        "gaussian.csv": "gsva numbers.csv --sets sets.gmt",
        "exact.csv": "gsva numbers.csv --sets sets.gmt --kernel exact",
        "none.csv": "gsva ties.csv --sets sets.gmt --kcdf none",
        "poisson.csv": "gsva counts.csv --sets sets.gmt --kcdf poisson",
    }),
    _stats("gsva-walks", (inputs.gsva_tables, inputs.gene_sets), {
        "tau.csv": "gsva numbers.csv --sets sets.gmt --sets more.gmt --tau 0.25",
        "farther.csv": "gsva numbers.csv --sets sets.gmt --no-max-diff",
        "absolute.csv": "gsva numbers.csv --sets sets.gmt --abs-ranking",
        "sizes.csv": "gsva numbers.csv --sets sets.gmt --min-size 3 --max-size 12",
        "aliases.csv": "gsva ties.csv --sets sets.gmt --aliases --threads 1",
    }),
    _stats("gsva-reference", (inputs.gsva_tables, inputs.gene_sets), {
        "all.csv": "gsva numbers.csv --sets sets.gmt --save-reference reference.h5",
        "scored.csv": "gsva new.csv --reference reference.h5",
        "dropped.csv": "gsva new_less.csv --reference reference.h5 --missing-genes drop",
        "poisson.csv": "gsva counts.csv --sets sets.gmt --kcdf poisson --save-reference counts.h5",
        "again.csv": "gsva counts.csv --reference counts.h5",
    }),
    _stats("gsva-old-reference", (inputs.gsva_tables, inputs.old_reference), {
        "scored.csv": "gsva new.csv --reference reference.h5",
    }),
    _stats("gsva-files", (inputs.predictions, inputs.gene_sets, inputs.gsva_tables), {
        "predicted.csv": "gsva p.h5ad --sets sets.gmt",
        "measured.csv": "gsva p.h5ad --sets sets.gmt --layer measured",
        "rows.csv": "gsva genes_in_rows.csv --sets sets.gmt --genes-in rows",
    }),
    _stats("gsva-bundled", (), {"out.csv": "gsva metabric --sets hallmark"}),
    _stats("gsva-gseapy", (inputs.gsva_tables, inputs.gene_sets), {
        "out.csv": "gsva numbers.csv --sets sets.gmt --engine gseapy --min-size 2",
    }, tolerance=Tolerance(1e-9, 1e-12)),
    _stats("gsva-r", (inputs.gsva_tables, inputs.gene_sets), {
        "out.csv": "gsva numbers.csv --sets sets.gmt --engine r",
        "poisson.csv": "gsva counts.csv --sets sets.gmt --engine r --kcdf poisson",
    }, tolerance=FITTED, marks=NEEDS_R + SLOW),
]  # fmt: skip

_TILES = ("{}.h5", "{}.geojson", "{}_mask.png", "{}_overlay.png")


def _tiles(*slides: str) -> tuple[str, ...]:
    """The outputs of `tile` for slides, given as folder/name."""
    return tuple(
        f"{slide.partition('/')[0]}/{name.format(slide.partition('/')[2])}"
        for slide in slides
        for name in _TILES
    )


#: Rounding decides to which of two means a tile goes. The means of given features: tests/unit/model/test_clusters.py.
_MEANS = "dataset cluster_features"
SLIDES = [
    _told("info", (inputs.slides, inputs.scanned),
        "sequoia-model info slides/S1.tif --thumbnail thumbnail.png",
        "sequoia-model info slides/S1.tif --rule published-code",
        "sequoia-model info slides/S2.tif --slide-mpp 0.25",
        "sequoia-model info slides/S1.tif --annotation drawn.geojson",
        "sequoia-model info picture/A.png --mpp-table scales.csv",
        "sequoia-model info CMU.svs",
        outputs=("thumbnail.png",),
    ),
    _model("tile", (inputs.slides,), {
        "paper": "tile slides",
        "code": "tile slides --rule published-code",
        "all": "tile slides/S2.tif --all-tiles",
    }, outputs=(*_tiles("paper/S1", "paper/S2", "code/S1", "code/S2", "all/S2"), "paper/runs.csv")),
    _model("tile-drawn", (inputs.slides,), {
        "few": "tile slides --max-tiles 5 --seed 3",
        "fewer": "tile slides/S1.tif --max-tiles 4 --seed 4 --rule published-code",
    }, outputs=_tiles("few/S1", "few/S2", "fewer/S1")),
    _model("tile-said", (inputs.slides,), {
        "annotated": "tile slides/S1.tif --annotation drawn.geojson",
        "table": "tile picture --mpp-table scales.csv",
        "said": "tile slides/S2.tif --slide-mpp 0.6",
    }, outputs=_tiles("annotated/S1", "table/A", "said/S2")),
    _model("tile-scanned", (inputs.scanned,), {
        "paper": "tile CMU.svs",
        "code": "tile CMU.svs --rule published-code",
    }, outputs=_tiles("paper/CMU", "code/CMU")),
    _model("embed", (inputs.small_slide,), {
        "paper": "embed small --device cpu --batch-size 4",
        "all": "embed small --all-tiles --rule published-code --device cpu --batch-size 4",
    }, outputs=("paper/S3.h5", "all/S3.h5"), tolerance=SINGLE, marks=SLOW),
    _model("embed-tiny", (inputs.slides, inputs.large_slide, inputs.tiny_encoder), {
        "plain": "embed slides --encoder tiny --device cpu --workers 1",
        "annotated": "embed slides/S1.tif --encoder tiny --device cpu --annotation drawn.geojson",
        "drawn": "embed slides/S1.tif --encoder tiny --device cpu --max-tiles 5 --seed 2 --rule published-code",
        "table": "embed picture --encoder tiny --device cpu --mpp-table scales.csv",
        "said": "embed slides/S2.tif --encoder tiny --device cpu --slide-mpp 0.6",
        "clusters": "embed large --encoder tiny --device cpu --seed 4",
    }, outputs=(
        "plain/S1.h5", "plain/S2.h5", "annotated/S1.h5", "drawn/S1.h5", "table/A.h5", "said/S2.h5", "clusters/S4.h5",
    ), tolerance=SINGLE, apart=_MEANS),
    _model("embed-clusters", (inputs.large_slide,), {
        "out": "embed large --max-tiles 102 --seed 1 --device cpu",
    }, outputs=("out/S4.h5",), tolerance=SINGLE, marks=SLOW, apart=_MEANS),
    _told("encoders", (), "sequoia-model encoders"),
]  # fmt: skip

_PREDICT = "predict features --weights weights --genes genes.txt --device cpu"
_FOREIGN = "--weights weights --genes genes.txt --device cpu"
_FEATURES = (inputs.networks, inputs.features, inputs.measured)
PREDICTION = [
    _told("weights-show", (inputs.networks, inputs.wide_networks),
        "sequoia-model weights show weights",
        "sequoia-model weights show weights/sequoia-brca-0",
        "sequoia-model weights show wide",
    ),
    _model("predict", _FEATURES, {
        "held_out.h5ad": f"{_PREDICT} --patients patients.csv",
        "all.h5ad": f"{_PREDICT} --patients patients.csv --ensemble all",
        "one.h5ad": f"{_PREDICT.replace('weights weights', 'weights weights/sequoia-brca-0')} --ensemble all",
        "untrained.h5ad": f"{_PREDICT} --untrained 2 --seed 6 --batch-size 2",
    }, tolerance=SINGLE),
    _model("predict-measured", _FEATURES, {
        "table.h5ad": f"{_PREDICT} --patients patients.csv --measured measured.csv --untrained 1",
        "h5ad.h5ad": f"{_PREDICT} --patients patients.csv --measured measured.h5ad",
    }, tolerance=SINGLE),
    _model("predict-foreign", (inputs.networks, inputs.foreign_features), {
        "trident.h5ad": f"predict trident {_FOREIGN}",
        "clam.h5ad": f"predict clam {_FOREIGN} --encoder uni",
        "stamp.h5ad": f"predict stamp {_FOREIGN}",
        "code.h5ad": f"predict code {_FOREIGN}",
    }, tolerance=SINGLE),
    _model("predict-slides", (inputs.wide_networks, inputs.small_slide), {
        "out.h5ad": "predict small --weights wide --device cpu",
        "few.h5ad": "predict small --weights wide --rule published-code --max-tiles 4 --seed 3 --no-keep --device cpu",
    }, outputs=("out.h5ad", "out_features/S3.h5", "few.h5ad"), tolerance=SINGLE, marks=SLOW),
    _model("splits-published", (), {
        "brca.csv": "splits --from published:BRCA",
        "gbm.csv": "splits --from published:GBM",
    }),
    _model("splits-drawn", (inputs.patients,), {
        "five.csv": "splits --from draw --patients p.csv",
        "three.csv": "splits --from draw --patients p.csv --folds 3 --val 0.2 --seed 8",
        "sites.csv": "splits --from draw --patients p.csv --folds 3 --seed 1 --sites",
        "again.csv": "splits --from five.csv",
    }),
    _model("splits-files", (inputs.files_of_splits,), {
        "clam.csv": "splits --from clam --patients slides.csv",
        "truths.csv": "splits --from truths --patients slides.csv",
        "one.csv": "splits --from mcat.csv --patients slides.csv",
    }),
    _model("splits-balanced", (inputs.patients,), {
        "levels.csv": "splits --from draw --patients p.csv --balance site --folds 3 --seed 4",
    }),
    _told(
        "splits-audit", (inputs.patients, inputs.files_of_splits),
        "sequoia-model splits audit clam --patients slides.csv",
        "sequoia-model splits --from draw --patients p.csv -o drawn.csv",
        "sequoia-model splits audit drawn.csv --patients p.csv",
    ),
    _model("convert-results", (inputs.old_results,), {
        "out.h5ad": "convert-results results.pkl",
        "named.h5ad": "convert-results results.pkl --patients slides.csv",
    }),
]  # fmt: skip

CASES = [*COHORTS, *SIGNATURES, *SELECTION, *PATHWAYS, *SLIDES, *PREDICTION]
