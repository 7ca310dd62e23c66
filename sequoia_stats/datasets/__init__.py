"""Three bundled breast cancer cohorts, read by the same readers as any other file.

They are sub-cohorts, compiled from public repositories. `DATASETS.md` beside this file gives their sources, licences
and what is left out. Their endpoints differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._assemble import Endpoint, assemble
from sequoia_stats.io._tables import read_matrix
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.genes import standardise

if TYPE_CHECKING:
    from anndata import AnnData

    from sequoia_stats.types.expression import Expression
    from sequoia_stats.types.outcome import Outcome

_HERE = Path(__file__).parent
#: Endpoints of the TCGA cohort; times of the Clinical Data Resource in days, of cBioPortal in months.
_TCGA_ENDPOINTS = {
    "PFI": Endpoint("PFI", "PFI.time", "PFI", "days"),
    "DFI": Endpoint("DFI", "DFI.time", "DFI", "days"),
    "OS": Endpoint("OS", "OS.time", "OS", "days"),
    "disease_free": Endpoint("disease_free", "Disease Free (Months)", "Disease Free Status", "months"),
}
#: Files of TCGA expression and their unit; if a gene is in two, the later file wins.
_TCGA_EXPRESSION = {
    "tcga_brca_expr_zscore_porpoise.csv.gz": "z-score",
    "tcga_brca_expr_rsem_gsalightning.csv.gz": "RSEM",
    "tcga_brca_expr_pam50_rsem_hist2rna.csv.gz": "RSEM",
}
_FILES = (
    *_TCGA_EXPRESSION,
    "tcga_brca_clinical.csv.gz",
    "scanb400_expr_log2fpkm.csv.gz",
    "scanb400_clinical.csv",
    "metabric200_expr_log2.csv.gz",
    "metabric2509_clinical.csv.gz",
)
#: Patients of GSE96058 without replicates; the bundled clinical file holds only the 400.
_SCANB_PATIENTS = 3273
#: Values of options that were not given.
_UNSET = (None, False, "auto")


def load_tcga_brca(endpoint: str = "PFI") -> Cohort:
    """TCGA breast cancer: up to 956 of 1097 patients, 2413 genes.

    Parameters
    ----------
    endpoint : {"PFI", "DFI", "OS", "disease_free"}
        Progression-free interval, disease-free interval and overall survival of the TCGA Clinical Data Resource,
        or the disease-free status of cBioPortal. Patients without it are dropped and counted in ``flow``.

    Returns
    -------
    Cohort
        Expression: z-scores of 1454 genes and linear RSEM of 959; see ``units``.
    """
    if endpoint not in _TCGA_ENDPOINTS:
        raise InputError(f"TCGA-BRCA has no endpoint {endpoint!r}", fix=f"choose {listing(_TCGA_ENDPOINTS)}")
    expression, units, flow = _tcga_expression()
    kept = [
        "age_at_initial_pathologic_diagnosis",
        "ER Status By IHC",
        "PR status by ihc",
        "IHC-HER2",
        "PAM50",
    ]
    kept += ["gender", "race", "ajcc_pathologic_tumor_stage", "histological_type", "menopause_status"]
    return _assemble(
        expression, "tcga_brca_clinical.csv.gz", "patient_id", _TCGA_ENDPOINTS[endpoint], kept, flow, units=units,
        name="TCGA-BRCA",
        source="mahmoodlab/PORPOISE@3390dc40e159, bioc/GSALightning@7414410a3142, "
        "raktim-mondol/hist2RNA@33fbe0205f35; clinical: moriarais/BreastCancerMachineLearning@ecafe7729630, "
        "jahanshah/cdrvis@5cf9294ec134, openbiox/UCSCXenaShiny",
        licence="TCGA open data; repositories GPL-3, GPL (>= 2), MIT",
    )  # fmt: skip


def load_scanb() -> Cohort:
    """SCAN-B (GSE96058): 400 of 3273 patients, 10,000 genes, overall survival.

    Returns
    -------
    Cohort
        Expression: log2(FPKM + 0.1) to one decimal.
    """
    expression, flow = standardise(read_matrix(_HERE / "scanb400_expr_log2fpkm.csv.gz"))
    endpoint = Endpoint("OS", "overall_survival_days", "overall_survival_event", "days")
    kept = ["pam50_subtype", "er_status", "pgr_status", "her2_status", "age_at_diagnosis", "nhg"]
    kept += ["chemo_treated", "endocrine_treated"]
    return _assemble(
        expression, "scanb400_clinical.csv", "title", endpoint, kept, flow, unit="log2(FPKM+0.1)",
        total=_SCANB_PATIENTS, name="SCAN-B", source="LanyingWei/cosinet@842601cd35ad (GEO GSE96058)",
        licence="GEO public data; repository LGPL-3",
    )  # fmt: skip


def load_metabric() -> Cohort:
    """METABRIC: 200 of 2509 patients, 2500 genes, relapse-free survival.

    Returns
    -------
    Cohort
        Expression: log2 intensities (Illumina). Relapse includes disease-specific death.
    """
    expression, flow = standardise(read_matrix(_HERE / "metabric200_expr_log2.csv.gz"))
    endpoint = Endpoint("RFS", "Relapse Free Status (Months)", "Relapse Free Status", "months")
    kept = ["Pam50 + Claudin-low subtype", "ER Status", "PR Status", "HER2 Status", "Age at Diagnosis"]
    kept += ["Neoplasm Histologic Grade", "Tumor Stage", "Tumor Size", "Lymph nodes examined positive"]
    kept += ["Chemotherapy", "Hormone Therapy", "Radio Therapy"]
    return _assemble(
        expression, "metabric2509_clinical.csv.gz", "Patient ID", endpoint, kept, flow,
        unit="log2 intensity (Illumina)", name="METABRIC",
        source="bioc/RTN@84b09edac435; clinical: vjcitn/YESCDS@ca694987843c (cBioPortal brca_metabric)",
        licence="Artistic-2.0",
    )  # fmt: skip


#: Names that can be used wherever a cohort file can; "name:endpoint" chooses one of several endpoints.
BUNDLED: dict[str, Callable[[], Cohort]] = {
    "tcga-brca": load_tcga_brca,
    **{f"tcga-brca:{endpoint}": partial(load_tcga_brca, endpoint) for endpoint in _TCGA_ENDPOINTS},
    "scan-b": load_scanb,
    "metabric": load_metabric,
}


def load(name: str) -> Cohort:
    """A bundled cohort by name: ``tcga-brca[:PFI|DFI|OS|disease_free]``, ``scan-b`` or ``metabric``.

    Raises
    ------
    InputError
        If there is no such cohort; the message lists the names.
    """
    if name not in BUNDLED:
        raise InputError(f"there is no bundled cohort {name!r}", fix=f"choose {listing(BUNDLED)}")
    return BUNDLED[name]()


def is_bundled(source: object) -> bool:
    """Whether `source` is meant as the name of a bundled cohort; ``./metabric`` is a file of that name."""
    return isinstance(source, str) and source.partition(":")[0] in BUNDLED


def open_cohort(source: str | Path | Cohort | AnnData, **options: Any) -> Cohort:
    """A cohort by its bundled name, or from whatever `sequoia_stats.io.read_cohort` reads.

    Parameters
    ----------
    source : str, path, Cohort or AnnData
        A bundled name comes first; ``./metabric`` is a file of that name.
    **options
        For `sequoia_stats.io.read_cohort`; a bundled cohort takes none.
    """
    from sequoia_stats.io import read_cohort

    return _load_without(options, str(source)) if is_bundled(source) else read_cohort(source, **options)


def open_outcomes(source: str | Path, *, flow: Flow, **options: Any) -> Outcome:
    """Outcomes alone by the name of a bundled cohort, or from whatever `sequoia_stats.io.read_outcomes` reads.

    Parameters
    ----------
    source : str or path
        As `open_cohort`. The patients of a bundled cohort are those with expression; others are counted.
    flow : Flow
        Takes a line for every loss.
    **options
        For `sequoia_stats.io.read_outcomes`; a bundled cohort takes none.
    """
    from sequoia_stats.io.outcomes import outcome_of_cohort, read_outcomes

    if is_bundled(source):
        return outcome_of_cohort(_load_without(options, str(source)), flow)
    return read_outcomes(source, flow=flow, **options)


def _load_without(options: Mapping[str, Any], name: str) -> Cohort:
    """A bundled cohort, which takes no options."""
    unused = [f"--{option.replace('_', '-')}" for option, value in options.items() if value not in _UNSET]
    if unused:
        fix = "leave it out; the endpoint is part of the name, as in tcga-brca:DFI"
        raise InputError(f"a bundled cohort does not take {' or '.join(unused)}", where=name, fix=fix)
    return load(name)


def open_expression(source: str | Path | Cohort | AnnData, **options: Any) -> Expression:
    """Expression without outcomes by a bundled name, or from whatever `sequoia_stats.io.read_expression` reads.

    Parameters
    ----------
    source : str, path, Cohort or AnnData
        As `open_cohort`.
    **options
        For `sequoia_stats.io.read_expression`.
    """
    from sequoia_stats.io import read_expression

    return read_expression(load(str(source)) if is_bundled(source) else source, **options)


def missing_files() -> list[str]:
    """Names of bundled files that the installation lacks."""
    return [name for name in _FILES if not (_HERE / name).is_file()]


def _tcga_expression() -> tuple[pd.DataFrame, pd.Series, Flow]:
    """Expression of the patients of the z-score file, with the genes of all three files."""
    flow = Flow()
    parts: list[pd.DataFrame] = []
    units: dict[str, str] = {}
    for file, unit in _TCGA_EXPRESSION.items():
        part, changes = standardise(read_matrix(_HERE / file))
        shared, n = [gene for gene in part if gene in units], len(units) + part.shape[1]
        flow.extend(changes)
        if parts:
            reason = f"{unit} replaces z-scores of {counted(len(shared), 'gene')}"
            flow.add("genes: files joined", n, n - len(shared), reason)
        parts = [*(known.drop(columns=shared, errors="ignore") for known in parts), part]
        units |= dict.fromkeys(part.columns, unit)
    patients, n = parts[0].index, max(len(part) for part in parts)
    flow.add("patients: in all files", n, len(patients), f"{n - len(patients)} have no z-scores")
    expression = pd.concat([part.reindex(patients) for part in parts], axis=1)
    return expression, pd.Series(units, dtype=object), flow


def _assemble(
    expression: pd.DataFrame,
    clinical: str,
    id_column: str,
    endpoint: Endpoint,
    covariates: list[str],
    flow: Flow,
    *,
    unit: str = "",
    units: pd.Series | None = None,
    total: int = 0,
    **provenance: Any,
) -> Cohort:
    """Join expression with the clinical file; the note says which part of the whole cohort this is."""
    table = read_table(_HERE / clinical)
    cohort = assemble(
        expression, table, table[id_column], endpoint, where=clinical, flow=flow, covariates=covariates,
        drop_invalid=True, units=pd.Series(unit, expression.columns) if units is None else units, **provenance,
    )  # fmt: skip
    note = f"sub-cohort of {cohort.n} of {total or len(table)} patients, {len(cohort.genes)} genes"
    return replace(cohort, note=note)
