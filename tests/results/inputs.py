"""The inputs of the cases: every function writes files into a folder, the same ones each time."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file

DATA = Path(__file__).parents[1] / "data"
#: Genes in the bundled METABRIC, SCAN-B and TCGA-BRCA.
REAL_GENES = [
    "ACOX2", "ANLN", "BBS9", "CAMK2G", "CCL8", "CD2", "CD69", "CDK12", "CLSTN2", "CXCL12",
    "DNAJC12", "EPHB4", "FAM107A", "FOXC1", "GDF15", "GRP", "HSPB8", "IL32", "JAM2", "LAG3",
    "LRIG1", "MNX1", "MYC", "NTRK2", "PDE4B", "PI16", "PLAUR", "PRKACB", "RECQL4", "RPS6KB2",
    "SERPINI1", "SLURP1", "STC2", "TGFB3", "TP63", "UBE2E3", "ZBTB16",
]  # fmt: skip
GENES = [f"G{i}" for i in range(1, 31)]
PATIENTS = [f"P{i:02d}" for i in range(1, 61)]
SLIDES = {
    "TCGA-3C-AALI-01Z-00-DX1.F6E9A5DF-D8FB-45CF-B4BD-C6B76294C291": "TCGA-3C-AALI",
    "TCGA-3C-AALJ-01Z-00-DX1.777C0957-255A-42F0-9EEB-A3606BCF0C96": "TCGA-3C-AALJ",
    "S1": "X1",
    "S2": "X1",
}


def normal(seed: int, *shape: int) -> NDArray[np.float64]:
    """Normal numbers with four decimals."""
    return np.random.default_rng([17, seed]).normal(size=shape).round(4)


# --- cohorts ---------------------------------------------------------------------------------------------------------


def _expression() -> pd.DataFrame:
    return pd.DataFrame((normal(1, 60, 30) + 4).round(4), pd.Index(PATIENTS, name="patient"), GENES)


def _clinical() -> pd.DataFrame:
    hazard = np.exp(0.8 * normal(1, 60, 30)[:, 0] - 0.6 * normal(1, 60, 30)[:, 1])
    uniform = np.random.default_rng([17, 2]).uniform(0.05, 1, size=(2, 60))
    table = {
        "months": (40 * -np.log(uniform[0]) / hazard).round(0) + 1,
        "status": (uniform[1] < 0.7).astype(int),
        "pam50": [["Basal", "LumA", "LumB"][i * i % 3] for i in range(60)],
        "er": [float(i % 7 < 4) for i in range(60)],
        "age": (55 + 9 * normal(3, 60)).round(1),
    }
    return pd.DataFrame(table, pd.Index(PATIENTS, name="patient"))


def tables(folder: Path) -> None:
    """Expression as csv, tsv and parquet, also with genes in rows; outcomes with covariates."""
    expression = _expression()
    expression.to_csv(folder / "expression.csv")
    expression.to_csv(folder / "expression.tsv", sep="\t")
    expression.to_parquet(folder / "expression.parquet")
    expression.T.rename_axis("gene").to_csv(folder / "rows.csv")
    expression.iloc[:5, ::-1].to_csv(folder / "few.csv")
    expression.iloc[:, 3:].to_csv(folder / "fewer_genes.csv")
    _clinical().to_csv(folder / "clinical.csv")
    rotten = _clinical().astype({"months": object})
    rotten.iloc[[3, 4], 0] = ["", "-1"]
    rotten.to_csv(folder / "rotten.csv")
    single = _clinical()[["months", "status", "age"]].replace({"status": {0: "alive", 1: "dead"}})
    single.join(expression).to_csv(folder / "single.csv")
    anndata.AnnData(expression.iloc[:20]).write_h5ad(folder / "expression.h5ad")


def lists(folder: Path) -> None:
    """Candidate genes and folds of patients."""
    (folder / "candidates.txt").write_text("\n".join(GENES[:20]) + "\n")
    (folder / "real.txt").write_text("\n".join(REAL_GENES) + "\n")
    fold = [f"{patient},{i % 4 + 1}" for i, patient in enumerate(PATIENTS)]
    (folder / "folds.csv").write_text("\n".join(["patient_id,fold", *fold]) + "\n")


def study(folder: Path) -> None:
    """A cBioPortal study: a metastasis, a patient with two samples, and one without expression."""
    place = folder / "study"
    place.mkdir()
    samples = pd.DataFrame(
        {
            "PATIENT_ID": ["A", "B", "B", "C", "D", "E", "F", "G"],
            "SAMPLE_ID": ["A-1", "B-1", "B-2", "C-1", "D-1", "E-1", "F-1", "G-1"],
            "SAMPLE_TYPE": [
                "Primary",
                "Primary",
                "Primary",
                "Metastasis",
                "Primary",
                "Primary",
                "Primary",
                "Primary",
            ],
        }
    )
    patients = pd.DataFrame(
        {
            "PATIENT_ID": list("ABCDEFG"),
            "OS_MONTHS": [10.5, 20, 30, 40.25, 50, 60, 70],
            "OS_STATUS": [f"{i % 2}:{'DECEASED' if i % 2 else 'LIVING'}" for i in range(7)],
            "RFS_MONTHS": [5, 15.5, 25, 35, 45, "", 65],
            "RFS_STATUS": ["1:Recurred", "0:Not Recurred"] * 2 + ["1:Recurred", "", "0:Not Recurred"],
            "CLAUDIN_SUBTYPE": ["LumA", "LumB", "Basal", "Her2", "Normal", "LumA", "LumB"],
            "AGE_AT_DIAGNOSIS": [40.5, 50, 60, 70, 45, 55, 65],
        }
    )  # fmt: skip
    genes = ["ESR1", "ERBB2", "KNTC2", "MKI67"]
    expression = pd.DataFrame(normal(4, 4, 7).round(3) + 6, genes, samples["SAMPLE_ID"][:7])
    expression.insert(0, "Entrez_Gene_Id", [2099, 2064, 10403, 4288])
    comment = "#Patient Identifier\tand so on\n#Text\n#STRING\n#1\n"
    (place / "data_clinical_patient.txt").write_text(comment + patients.to_csv(sep="\t", index=False))
    (place / "data_clinical_sample.txt").write_text(comment + samples.to_csv(sep="\t", index=False))
    (place / "data_mrna_seq_v2_rsem.txt").write_text(expression.rename_axis("Hugo_Symbol").to_csv(sep="\t"))
    (place / "data_mrna_other.txt").write_text(
        expression.iloc[:3].rename_axis("Hugo_Symbol").to_csv(sep="\t")
    )


# --- signatures ------------------------------------------------------------------------------------------------------

_PARAMETERS: dict[str, dict[str, Any]] = {
    "rank": {"values": [1.0, 2.5, 3.0, 4.0, 4.5, 6.0], "scores": [-2.0, -1.1, -0.7, 0.1, 0.4, 2.2]},
    "zscore": {"mean": 4.1, "sd": 1.2},
    "log2": {},
    "none": {},
}


def _signature(coefficients: dict[str, float], transform: str, endpoint: str = "RFS") -> dict[str, Any]:
    training = {"cohort": "elsewhere", "note": "", "source": "", "sha256": "0" * 64, "n": 99, "n_events": 33}
    selection = {"rule": "value", "lambda": 0.1, "alpha": 1.0, "lambda_min_ratio": None, "kkt_residual": 0.0}
    return {
        "schema_version": 1,
        "genes": list(coefficients),
        "coefficients": list(coefficients.values()),
        "cutoff": 0.05,
        "endpoint": endpoint,
        "training": training | {"n_candidates": 30},
        "selection": selection | {"cross_validation": None},
        "engine": "by hand",
        "versions": {},
        "seed": 0,
        "transform": {"name": transform, "parameters": [_PARAMETERS[transform]] * len(coefficients)},
    }


def signatures(folder: Path) -> None:
    """A signature for each transform, whose last gene is in no table; and one of real genes."""
    for transform in _PARAMETERS:
        content = _signature({"G1": 0.8, "G2": -0.4, "G5": 0.25, "G99": 0.1}, transform)
        (folder / f"{transform}.json").write_text(json.dumps(content))
    real = {"ESR1": -0.3, "AURKA": 0.5, "CDC20": 0.2, "GATA3": -0.1, "FOXC1": 0.15, "NOWHERE1": 0.05}
    (folder / "real.json").write_text(json.dumps(_signature(real, "rank")))


# --- predictions -----------------------------------------------------------------------------------------------------


def predictions(folder: Path) -> None:
    """Two models: 30 patients of two cohorts, two slides each, 14 genes; measured, and two untrained networks."""
    patient = np.repeat(np.arange(30), 2)
    truth = normal(5, 30, 14)[patient]
    obs = pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in patient],
            "fold": patient % 5,
            "cohort": np.where(patient % 3 == 0, "A", "B"),
        },
        index=[f"P{i}-{j % 2}" for j, i in enumerate(patient)],
    )
    share = np.linspace(-0.2, 0.95, 14)
    for name, seed, gain in (("p", 6, 1.0), ("q", 7, 0.7)):
        adata = anndata.AnnData(
            5 + gain * share * truth + normal(seed, 30, 14)[patient] * 0.6 + 0.1 * normal(seed + 20, 60, 14),
            obs=obs,
            var=pd.DataFrame(index=[f"G{i}" for i in range(1, 15)]),
            layers={
                "measured": 5 + truth,
                "untrained": normal(30, 60, 14),
                "untrained_1": normal(31, 60, 14),
            },
        )
        adata.write_h5ad(folder / f"{name}.h5ad")


def matrices(folder: Path) -> None:
    """Predicted, measured and untrained values as tables in different orders, with an additional gene; patients."""
    samples, genes = [f"S{i}" for i in range(24)], [f"G{i}" for i in range(1, 9)]
    measured = pd.DataFrame(5 + normal(8, 24, 8), samples, genes)
    predicted = (0.6 * measured + normal(9, 24, 8)).round(4)
    untrained = pd.DataFrame(normal(10, 24, 8), samples, genes)
    predicted.to_csv(folder / "predicted.csv", index_label="sample")
    measured.iloc[::-1, ::-1].assign(G50=1.0).to_csv(folder / "measured.csv", index_label="sample")
    untrained.to_csv(folder / "untrained.csv", index_label="sample")
    predicted.T.to_csv(folder / "predicted_rows.csv", index_label="gene")
    measured.T.to_csv(folder / "measured_rows.csv", index_label="gene")
    untrained.T.to_csv(folder / "untrained_rows.csv", index_label="gene")
    table = pd.DataFrame(
        {"patient_id": [f"P{i // 2}" for i in range(24)], "fold": np.arange(24) // 2 % 3}, samples
    )
    table.to_csv(folder / "patients.csv", index_label="sample")


# --- gene sets -------------------------------------------------------------------------------------------------------


def gene_sets(folder: Path) -> None:
    """Sets and two lists of artificial genes; sets and lists of real ones, one under a former name."""
    made = {
        "one": GENES[1:2],
        "few": GENES[:5:2],
        "many": GENES[2:14],
        "half": GENES[:15],
        "gone": ["X", "Y"],
    }
    _gmt(folder / "sets.gmt", made)
    _gmt(folder / "more.gmt", {"last": GENES[18:27], "NDC": ["NDC80", "ESR1", "MYC", "CD2", "GRP"]})
    (folder / "list.txt").write_text("\n".join([*GENES[2:9], "X7"]) + "\n")
    pairs = [("a", gene) for gene in GENES[:6]] + [("b", gene) for gene in GENES[10:18]]
    pd.DataFrame(pairs, columns=["list", "gene"]).to_csv(folder / "lists.csv", index=False)
    (folder / "universe.txt").write_text("\n".join(GENES) + "\n")
    (folder / "real_list.txt").write_text("\n".join([*REAL_GENES[::3], "KNTC2"]) + "\n")
    (folder / "real_universe.txt").write_text("\n".join([*REAL_GENES, "KNTC2", "ESR1"]) + "\n")
    ranks = pd.DataFrame({"gene": GENES, "r": normal(11, 30), "level": ["u", "v"] * 15, "z": normal(12, 30)})
    ranks.to_csv(folder / "ranks.csv", index=False)
    real = pd.DataFrame({"gene": REAL_GENES, "r": np.linspace(0.9, -0.8, len(REAL_GENES)).round(4)})
    real.to_csv(folder / "real_ranks.csv", index=False)


def _gmt(path: Path, sets: dict[str, list[str]]) -> None:
    path.write_text("".join("\t".join([name, "", *genes]) + "\n" for name, genes in sets.items()))


def gsva_tables(folder: Path) -> None:
    """Samples × genes: numbers, numbers with ties, counts, and new samples."""
    samples = [f"S{i}" for i in range(12)]
    numbers = pd.DataFrame(normal(13, 12, 30), samples, GENES)
    numbers.to_csv(folder / "numbers.csv", index_label="id")
    numbers.T.to_csv(folder / "genes_in_rows.csv", index_label="gene")
    numbers.round(0).to_csv(folder / "ties.csv", index_label="id")
    counts = np.random.default_rng([17, 14]).negative_binomial(2, 0.06, size=(12, 30))
    pd.DataFrame(counts, samples, GENES).to_csv(folder / "counts.csv", index_label="id")
    new = pd.DataFrame(normal(15, 3, 30), ["N1", "N2", "N3"], GENES)
    new.to_csv(folder / "new.csv", index_label="id")
    new.drop(columns="G4").to_csv(folder / "new_less.csv", index_label="id")


# --- slides ----------------------------------------------------------------------------------------------------------


def slides(folder: Path) -> None:
    """Two slides, a picture that does not state its scale, and tables and annotations for them."""
    place = folder / "slides"
    place.mkdir()
    write_slide(place / "S1.tif", size=(1024, 768), tissue=(256, 128, 768, 512))
    write_slide(place / "S2.tif", size=(900, 640), tissue=(100, 140, 700, 420), seed=1)
    (folder / "picture").mkdir()
    Image.fromarray(picture((512, 512), (64, 64, 448, 320), 1)).save(folder / "picture" / "A.png")
    (folder / "scales.csv").write_text("slide,mpp\nA,1.0\n")
    rings = [[[300, 200], [1500, 300], [1400, 1200], [400, 1000], [300, 200]]]
    drawn = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": rings}}
    drawn["properties"] = {"objectType": "annotation"}
    (folder / "drawn.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [drawn]}))


def small_slide(folder: Path) -> None:
    """A slide of few tiles."""
    (folder / "small").mkdir()
    write_slide(folder / "small" / "S3.tif", size=(512, 384), tissue=(0, 128, 400, 384), seed=2)


def large_slide(folder: Path) -> None:
    """A slide of more tiles than there are clusters."""
    (folder / "large").mkdir()
    write_slide(folder / "large" / "S4.tif", size=(1920, 1280), tissue=(128, 128, 1792, 1152), seed=3)


def scanned(folder: Path) -> None:
    """A real slide from a scanner."""
    shutil.copy(DATA / "slides" / "CMU-1-Small-Region.svs", folder / "CMU.svs")


def picture(
    size: tuple[int, int], tissue: tuple[int, int, int, int], seed: int, mpp: float = 1.0
) -> NDArray[np.uint8]:
    """White, with a box of patches in four stains; all sides in µm."""
    stains = np.array([[176, 96, 160], [214, 130, 180], [120, 60, 140], [232, 180, 208]], dtype=np.uint8)
    width, height = (round(side / mpp) for side in size)
    patch = round(4 / mpp)
    drawn = np.random.default_rng([17, seed]).integers(4, size=(height // patch + 1, width // patch + 1))
    stained = stains[np.kron(drawn, np.ones((patch, patch), dtype=int))][:height, :width]
    pixels = np.full((height, width, 3), (243, 242, 244), dtype=np.uint8)
    left, top, right, bottom = (round(edge / mpp) for edge in tissue)
    pixels[top:bottom, left:right] = stained[top:bottom, left:right]
    return pixels


def write_slide(
    path: Path, size: tuple[int, int], tissue: tuple[int, int, int, int], seed: int = 0, mpp: float = 0.5
) -> None:
    """A tiled pyramid of two levels that states its scale."""
    whole = picture(size, tissue, seed, mpp)
    common: dict[str, Any] = {
        "photometric": "rgb",
        "compression": "deflate",
        "tile": (256, 256),
        "metadata": None,
    }
    common |= {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as file:
        file.write(whole, **common)
        file.write(np.ascontiguousarray(whole[::4, ::4]), subfiletype=1, **common)


def tiny_encoder(folder: Path) -> None:
    """A vision transformer of two blocks with 24-d features, as the hub stores a model of timm."""
    import timm  # takes seconds, and only this case needs it

    arguments = {"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 2, "num_heads": 2}
    made = timm.create_model(
        "vit_tiny_patch16_224", pretrained=False, num_classes=0, **arguments
    ).state_dict()
    tensors = {
        name: (0.1 * normal(100 + i, *made[name].shape)).astype(np.float32)
        for i, name in enumerate(sorted(made))
    }
    (folder / "tiny").mkdir()
    save_file(tensors, folder / "tiny" / "model.safetensors", {"format": "pt"})
    pretrained = {"input_size": [3, 32, 32], "crop_pct": 0.8, "interpolation": "bilinear", "num_classes": 0}
    pretrained |= {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "first_conv": "patch_embed.proj"}
    config = {"architecture": "vit_tiny_patch16_224", "num_classes": 0, "model_args": arguments}
    (folder / "tiny" / "config.json").write_text(json.dumps(config | {"pretrained_cfg": pretrained}))


# --- features and networks -------------------------------------------------------------------------------------------


def _features(seed: int, tiles: int) -> NDArray[np.float32]:
    return (np.round(normal(seed, tiles, 32) * 64) / 64).astype(np.float32)


def _coords(tiles: int) -> NDArray[np.int64]:
    index = np.arange(tiles)
    return np.stack([index % 4, index // 4], axis=1) * 512


def features(folder: Path) -> None:
    """Feature files of four slides in our layout: of two published patients, and two of one patient."""
    (folder / "features").mkdir()
    for i, (slide, tiles) in enumerate(zip(SLIDES, (130, 20, 110, 5), strict=True)):
        with h5py.File(folder / "features" / f"{slide}.h5", "w") as file:
            file["features"], file["coords"] = _features(40 + i, tiles), _coords(tiles)
            words = {"schema_version": 1, "slide": slide, "coords_unit": "px", "encoder": "uni"}
            file.attrs.update(
                words | {"encoder_asserted": False, "mpp": 0.5, "tile_size": 256, "n_tiles": tiles}
            )
    table = pd.DataFrame({"slide": list(SLIDES), "patient_id": list(SLIDES.values())})
    table.to_csv(folder / "patients.csv", index=False)


def foreign_features(folder: Path) -> None:
    """A feature file each as TRIDENT, CLAM, STAMP and the published code write them."""
    places = {
        name: folder / name
        for name in ("trident/features_uni_v1", "clam", "stamp/mahmood-uni-77ffbca1", "code/S4")
    }
    for place in places.values():
        place.mkdir(parents=True)
    with h5py.File(folder / "trident/features_uni_v1/S1.h5", "w") as file:
        file["features"], file["coords"] = _features(50, 120), _coords(120)
        file["features"].attrs.update({"name": "S1", "savetodir": "x", "encoder": "uni_v1"})
        said = {
            "patch_size": 256,
            "patch_size_level0": 512,
            "level0_magnification": 40,
            "target_magnification": 20,
        }
        file["coords"].attrs.update(said | {"overlap": 0, "name": "S1", "savetodir": "x"})
    with h5py.File(folder / "clam/S2.h5", "w") as file:
        file["features"], file["coords"] = _features(51, 105), _coords(105).astype(np.int32)
    with h5py.File(folder / "stamp/mahmood-uni-77ffbca1/S3.h5", "w") as file:
        file["feats"], file["coords"] = (
            _features(52, 101).astype(np.float16),
            (_coords(101) / 2).astype(np.float32),
        )
        said = {
            "stamp_version": "2.4.0",
            "extractor": "mahmood-uni-77ffbca1",
            "unit": "um",
            "tile_size_um": 256.0,
        }
        file.attrs.update(said | {"tile_size_px": 224, "code_hash": "d41d8cd9", "feat_type": "tile"})
    with h5py.File(folder / "code/S4/S4.h5", "w") as file:
        file["uni_features"], file["cluster_features"] = _features(53, 108), _features(54, 100)


def networks(folder: Path) -> None:
    """The golden toy and four others, named like the published folds of BRCA; names of their genes."""
    tensors = load_file(DATA / "golden" / "sequoia-toy-0" / "model.safetensors")
    config = (DATA / "golden" / "sequoia-toy-0" / "config.json").read_text()
    for fold in range(5):
        place = folder / "weights" / f"sequoia-brca-{fold}"
        place.mkdir(parents=True)
        generator = np.random.default_rng([17, 60 + fold])
        others = {
            name: values + fold * 0.03 * generator.normal(size=values.shape)
            for name, values in tensors.items()
        }
        save_file(
            {name: values.astype(np.float32) for name, values in others.items()}, place / "model.safetensors"
        )
        (place / "config.json").write_text(config)
    (folder / "genes.txt").write_text("\n".join(_toy_genes()) + "\n")


def _toy_genes() -> list[str]:
    return [f"G{i}" for i in range(1, 41)]


def wide_networks(folder: Path) -> None:
    """Two networks for features of lite0, with side files."""
    sizes = {
        "depth": 1,
        "dimensions_c": 64,
        "dimensions_f": 4,
        "dimensions_s": 64,
        "input_dim": 1280,
        "nheads": 2,
    }
    layer = "transformer.layers.0"
    mixer = {"f": (4, 1280), "s": (64, 1280), "c": (64, 68)}
    matrices = {
        f"{layer}.0.mixers.{head}.{name}": shape for head in range(2) for name, shape in mixer.items()
    }
    matrices |= {f"{layer}.0.projection": (1280, 128), f"{layer}.1.net.1": (1280, 1280)}
    matrices |= {f"{layer}.1.net.3": (1280, 1280), "linear_head.1": (40, 1280)}
    norms = {f"{layer}.0.mixers.{head}.local_norm": 4 for head in range(2)}
    norms |= {f"{layer}.0.mixers.{head}.summary_norm": 64 for head in range(2)}
    norms |= {f"{layer}.1.net.0": 1280, "linear_head.0": 1280}
    shapes: dict[str, tuple[int, ...]] = {"pos_emb1D": (100, 1280)}
    shapes |= {f"{name}.weight": shape for name, shape in matrices.items()}
    shapes |= {f"{name}.weight": (size,) for name, size in norms.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in matrices.items()}
    shapes |= {f"{name}.bias": (size,) for name, size in norms.items()}
    for fold in range(2):
        place = folder / "wide" / f"made-{fold}"
        place.mkdir(parents=True)
        generator = np.random.default_rng([17, 70 + fold])
        tensors = {name: 0.05 * generator.normal(size=shape) for name, shape in shapes.items()}
        save_file(
            {name: values.astype(np.float32) for name, values in tensors.items()}, place / "model.safetensors"
        )
        (place / "config.json").write_text(json.dumps(sizes | {"num_clusters": 100, "num_outputs": 40}))
        side = {"schema": "sequoia-weights-1", "encoder": "lite0", "genes": "genes.csv"}
        (place / "sequoia.json").write_text(json.dumps(side))
        (place / "genes.csv").write_text("\n".join(["gene", *_toy_genes()]) + "\n")


def measured(folder: Path) -> None:
    """Measured expression of slides and patients, as the published table and as .h5ad."""
    table = pd.DataFrame(normal(80, 3, 38), columns=[f"rna_G{i}" for i in range(3, 41)])
    table.insert(0, "wsi_file_name", ["S1.svs", "S2.svs", "other"])
    table.insert(1, "patient_id", ["X1", "X1", "TCGA-3C-AALI"])
    table.insert(2, "tcga_project", "TCGA-BRCA")
    table.to_csv(folder / "measured.csv", index=False)
    adata = anndata.AnnData(normal(81, 2, 40), pd.DataFrame(index=["X1", "TCGA-3C-AALJ"]))
    adata.var_names = _toy_genes()
    adata.write_h5ad(folder / "measured.h5ad")


# --- splits and old results ------------------------------------------------------------------------------------------


def patients(folder: Path) -> None:
    """Thirty patients of two cancers and six sites."""
    table = pd.DataFrame({"patient_id": [f"P{i:02d}" for i in range(30)]})
    table["cancer"] = ["BRCA"] * 15 + ["GBM"] * 15
    table["site"] = [f"S{i % 6}" for i in range(30)]
    table.to_csv(folder / "p.csv", index=False)


def files_of_splits(folder: Path) -> None:
    """Two folds of CLAM, as names and as booleans; a fold of MCAT and SurvPath; slides with their patients."""
    names = [f"S{i}" for i in range(8)]
    for kind in ("clam", "truths"):
        (folder / kind).mkdir()
    for fold in range(2):
        order = names[4 * fold :] + names[: 4 * fold]
        parts = {"train": order[:4], "val": order[4:6], "test": order[6:]}
        pd.DataFrame({role: pd.Series(part) for role, part in parts.items()}).to_csv(
            folder / f"clam/splits_{fold}.csv"
        )
        truths = pd.DataFrame({role: [name in part for name in order] for role, part in parts.items()}, order)
        truths.to_csv(folder / f"truths/splits_{fold}_bool.csv")
    pd.DataFrame({"train": names[:6], "val": [*names[6:], *[None] * 4]}).to_csv(folder / "mcat.csv")
    table = pd.DataFrame({"slide_id": names, "case_id": [f"P{i}" for i in (0, 0, 1, 2, 3, 4, 5, 5)]})
    table.to_csv(folder / "slides.csv", index=False)


def old_results(folder: Path) -> None:
    """A pickle of the published code: two folds of eight slides."""
    content: dict[str, Any] = {"genes": [f"rna_G{i}" for i in range(1, 7)]}
    for fold in range(2):
        content[f"split_{fold}"] = {
            "real": normal(90 + fold, 8, 6) + 5,
            "preds": normal(92 + fold, 8, 6) + 1,
            "random": normal(94 + fold, 8, 6),
            "wsi_file_name": np.array(
                [f"TCGA-AA-{1000 + 10 * fold + i // 2}-01Z-00-DX{i % 2 + 1}" for i in range(8)]
            ),
            "tcga_project": np.full(8, "TCGA-BRCA"),
        }
    (folder / "results.pkl").write_bytes(pickle.dumps(content))
    names = [name for fold in range(2) for name in content[f"split_{fold}"]["wsi_file_name"]]
    table = pd.DataFrame({"slide": names, "patient_id": [f"P{i // 2}" for i in range(16)]})
    table.to_csv(folder / "slides.csv", index=False)


# --- files of version 0.1 --------------------------------------------------------------------------------------------


def old_reference(folder: Path) -> None:
    """The frozen reference of GSVA that version 0.1 wrote."""
    shutil.copy(DATA / "results" / "old_files" / "reference.h5", folder / "reference.h5")
