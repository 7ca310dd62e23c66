"""Measured expression as users download it: a folder of the GDC, a matrix of Xena, its probe map."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

MODEL = "# gene-model: GENCODE v36"
COLUMNS = (
    *("gene_id", "gene_name", "gene_type", "unstranded", "stranded_first", "stranded_second"),
    *("tpm_unstranded", "fpkm_unstranded", "fpkm_uq_unstranded"),
)
#: Genes with what makes them special: a copy on Y, two ids of one symbol, types that the paper leaves out.
GENES = (
    ("ENSG00000091831.24", "ESR1", "protein_coding"),
    ("ENSG00000182378.15", "PLCXD1", "protein_coding"),
    ("ENSG00000015479.19", "MATR3", "protein_coding"),
    ("ENSG00000280987.4", "MATR3", "protein_coding"),
    ("ENSG00000284190.1", "MIR21", "miRNA"),
    ("ENSG00000229807.12", "XIST", "lncRNA"),
    ("ENSG00000227232.5", "WASH7P", "unprocessed_pseudogene"),
    ("ENSG00000182378.15_PAR_Y", "PLCXD1", "protein_coding"),
)
#: Names of the genes of a conversion, in its order.
SYMBOLS = ["ESR1", "PLCXD1", "MATR3", "MIR21", "XIST"]
SHEET = [
    "File ID",
    "File Name",
    "Data Category",
    "Data Type",
    "Project ID",
    "Case ID",
    "Sample ID",
    "Sample Type",
]
WORDS = {"01": "Primary Tumor", "06": "Metastatic", "11": "Solid Tissue Normal"}
ALIQUOTS = tuple(f"TCGA-A1-A0S{letter}-01A-11R-A144-07" for letter in "BDE")


def star_counts_text(
    values: Sequence[float], genes: Sequence[Sequence[str]] = GENES, model: str = MODEL
) -> str:
    """A file of STAR counts: FPKM-UQ as given, FPKM half, TPM twice, counts a hundred times that."""
    lines = [model, "\t".join(COLUMNS)]
    lines += [
        f"N_{name}\t\t\t7\t7\t7\t\t\t" for name in ("unmapped", "multimapping", "noFeature", "ambiguous")
    ]
    for gene, x in zip(genes, values, strict=True):
        counts = f"{round(100 * x)}\t{round(40 * x)}\t{round(60 * x)}"
        lines.append("\t".join([*gene, counts, f"{2 * x:.4f}", f"{x / 2:.4f}", f"{x:.4f}"]))
    return "\n".join(lines) + "\n"


def values_of(aliquots: Sequence[str], n: int = len(GENES)) -> dict[str, list[float]]:
    """FPKM-UQ of each aliquot: 1.25, 2.25, ... plus ten for each next one; 0 for the last gene, the copy on Y."""
    return {name: [*(1.25 + i + 10 * j for i in range(n - 1)), 0.0] for j, name in enumerate(aliquots)}


def write_gdc(
    folder: Path,
    aliquots: Sequence[str] = ALIQUOTS,
    *,
    values: Mapping[str, Sequence[float]] | None = None,
    genes: Sequence[Sequence[str]] = GENES,
    names: str = "sheet",
    compress: bool = False,
    flat: bool = False,
) -> Path:
    """A download of one file for each aliquot; `names` is "sheet", "metadata", "both", "manifest" or "" for none."""
    folder.mkdir(exist_ok=True)
    values = values or values_of(aliquots, len(genes))
    for i, aliquot in enumerate(aliquots):
        file = folder / ("" if flat else file_id(i)) / file_name(i)
        file.parent.mkdir(exist_ok=True)
        data = star_counts_text(values[aliquot], genes).encode()
        if compress:
            file = file.with_name(f"{file.name}.gz")
        file.write_bytes(gzip.compress(data) if compress else data)
    if names in ("sheet", "both"):
        write_sheet(folder, aliquots)
    if names in ("metadata", "both"):
        write_metadata(folder, aliquots)
    if names == "manifest":
        lines = [
            "id\tfilename\tmd5\tsize\tstate",
            *(f"{file_id(i)}\t{file_name(i)}\tx\t1\tx" for i in range(len(aliquots))),
        ]
        (folder / "gdc_manifest.2024-01-01.txt").write_text("\n".join(lines) + "\n")
    return folder


def file_id(i: int) -> str:
    """The name of the folder of a file."""
    return f"{i:08x}-0000-4000-8000-000000000000"


def file_name(i: int) -> str:
    """The name of a file."""
    return f"{i:08x}-aaaa-4aaa-8aaa-aaaaaaaaaaaa.rna_seq.augmented_star_gene_counts.tsv"


def write_sheet(folder: Path, aliquots: Sequence[str], **columns: Sequence[str]) -> Path:
    """The sample sheet; `columns` replace those of the same name, with _ for blanks."""
    rows = [
        [file_id(i), file_name(i), "Transcriptome Profiling", "Gene Expression Quantification", "TCGA-BRCA"]
        + [name[:12], name[:16], WORDS.get(name[13:15], "")]
        for i, name in enumerate(aliquots)
    ]
    table = pd.DataFrame(rows, columns=SHEET)
    for name, column in columns.items():
        table[name.replace("_", " ")] = list(column)
    path = folder / "gdc_sample_sheet.2024-01-01.tsv"
    table.to_csv(path, sep="\t", index=False)
    return path


def write_metadata(folder: Path, aliquots: Sequence[str], **entry: object) -> Path:
    """The metadata of the cart; `entry` is added to each."""
    content = [
        {
            "file_name": file_name(i), "file_id": file_id(i),
            "associated_entities": [{"entity_submitter_id": name, "entity_type": "aliquot"}],
        }
        | entry
        for i, name in enumerate(aliquots)
    ]  # fmt: skip
    path = folder / "metadata.cart.2024-01-01.json"
    path.write_text(json.dumps(content))
    return path


def write_xena(
    folder: Path,
    samples: Sequence[str] = ("TCGA-A1-A0SB-01A", "TCGA-A1-A0SD-01A", "TCGA-A1-A0SB-11A"),
    *,
    name: str = "TCGA-BRCA.htseq_fpkm-uq.tsv",
    genes: Sequence[Sequence[str]] = GENES,
    probe_map: bool = True,
    title: str = "Ensembl_ID",
) -> Path:
    """A matrix of log2(x + 1) of `values_of`, and its probe map."""
    table = np.log2(pd.DataFrame(values_of(samples, len(genes)), [gene[0] for gene in genes]) + 1)
    path = folder / name
    table.rename_axis(title).to_csv(path, sep="\t")
    if probe_map:
        rows = pd.DataFrame(
            {"id": [gene[0] for gene in genes], "gene": [gene[1] for gene in genes], "chrom": "chr1"}
        )
        rows.to_csv(folder / "gencode.v22.annotation.gene.probeMap", sep="\t", index=False)
    return path
