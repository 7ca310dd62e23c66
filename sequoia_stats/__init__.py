"""Measured or predicted gene expression, turned into tested statements about patients.

Public names are loaded when they are first used: importing the package starts no R and loads no library.

>>> import sequoia_stats as sq
>>> sq.datasets.load_tcga_brca(endpoint="PFI").n
956
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand

if TYPE_CHECKING:
    from sequoia_stats import association, compare, conformal, datasets, plots, selection, survival
    from sequoia_stats import association as correlation
    from sequoia_stats.association import prediction_errors as prediction_error
    from sequoia_stats.compare import Comparison, compare_models
    from sequoia_stats.errors import InputError, SequoiaError
    from sequoia_stats.io import (
        read_cohort,
        read_expression,
        read_measured,
        read_outcomes,
        read_predictions,
        read_truth,
        write_measured,
    )
    from sequoia_stats.risk import RiskComparison, compare_risks
    from sequoia_stats.selection import Selection, well_predicted
    from sequoia_stats.sets import collections as genesets
    from sequoia_stats.sets import gsea, gsva, ora
    from sequoia_stats.sets.collections import GeneSets
    from sequoia_stats.sets.gsva import Gsva
    from sequoia_stats.signature import FoldSignatures, LassoCoxSignature, Signature, fit_folds, validate
    from sequoia_stats.spatial import (
        Evaluation,
        Map,
        MapComparison,
        SlideEvaluations,
        compare_maps,
        evaluate_map,
        evaluate_maps,
        read_map,
        write_map,
    )
    from sequoia_stats.spatial.modules import ModuleMaps, SubtypeMap, gene_modules, subtypes_of_programmes
    from sequoia_stats.types import genes
    from sequoia_stats.types.cohort import Cohort, as_cohort
    from sequoia_stats.types.expression import Expression, shared_genes
    from sequoia_stats.types.outcome import Outcome, as_outcome
    from sequoia_stats.types.predictions import Predictions, as_predictions
    from sequoia_stats.types.spatial_truth import SpatialTruth

    __version__: str

__all__ = [
    "Cohort",
    "Comparison",
    "Evaluation",
    "Expression",
    "FoldSignatures",
    "GeneSets",
    "Gsva",
    "InputError",
    "LassoCoxSignature",
    "Map",
    "MapComparison",
    "ModuleMaps",
    "Outcome",
    "Predictions",
    "RiskComparison",
    "Selection",
    "SequoiaError",
    "Signature",
    "SlideEvaluations",
    "SpatialTruth",
    "SubtypeMap",
    "__version__",
    "as_cohort",
    "as_outcome",
    "as_predictions",
    "association",
    "compare",
    "compare_maps",
    "compare_models",
    "compare_risks",
    "conformal",
    "correlation",
    "datasets",
    "evaluate_map",
    "evaluate_maps",
    "fit_folds",
    "gene_modules",
    "genes",
    "genesets",
    "gsea",
    "gsva",
    "ora",
    "plots",
    "prediction_error",
    "read_cohort",
    "read_expression",
    "read_map",
    "read_measured",
    "read_outcomes",
    "read_predictions",
    "read_truth",
    "selection",
    "shared_genes",
    "subtypes_of_programmes",
    "survival",
    "validate",
    "well_predicted",
    "write_map",
    "write_measured",
]

#: Public modules, and public names with the module that holds them.
__getattr__ = on_demand(
    __name__,
    {
        "association": "association:",
        "compare": "compare:",
        "conformal": "conformal:",
        "correlation": "association:",
        "datasets": "datasets:",
        "genes": "types.genes:",
        "genesets": "sets.collections:",
        "gsea": "sets.gsea:",
        "gsva": "sets.gsva:",
        "ora": "sets.ora:",
        "plots": "plots:",
        "prediction_error": "association.prediction_errors:",
        "selection": "selection:",
        "survival": "survival:",
        "Cohort": "types.cohort:Cohort",
        "Comparison": "compare:Comparison",
        "Evaluation": "spatial:Evaluation",
        "Expression": "types.expression:Expression",
        "FoldSignatures": "signature:FoldSignatures",
        "GeneSets": "sets.collections:GeneSets",
        "Gsva": "sets.gsva:Gsva",
        "LassoCoxSignature": "signature:LassoCoxSignature",
        "ModuleMaps": "spatial.modules:ModuleMaps",
        "MapComparison": "spatial:MapComparison",
        "Outcome": "types.outcome:Outcome",
        "Predictions": "types.predictions:Predictions",
        "RiskComparison": "risk:RiskComparison",
        "Selection": "selection:Selection",
        "InputError": "errors:InputError",
        "SequoiaError": "errors:SequoiaError",
        "Signature": "signature:Signature",
        "SubtypeMap": "spatial.modules:SubtypeMap",
        "SpatialTruth": "types.spatial_truth:SpatialTruth",
        "SlideEvaluations": "spatial:SlideEvaluations",
        "as_cohort": "types.cohort:as_cohort",
        "as_outcome": "types.outcome:as_outcome",
        "as_predictions": "types.predictions:as_predictions",
        "compare_maps": "spatial:compare_maps",
        "compare_models": "compare:compare_models",
        "compare_risks": "risk:compare_risks",
        "evaluate_map": "spatial:evaluate_map",
        "evaluate_maps": "spatial:evaluate_maps",
        "fit_folds": "signature:fit_folds",
        "gene_modules": "spatial.modules:gene_modules",
        "read_cohort": "io:read_cohort",
        "read_expression": "io:read_expression",
        "read_measured": "io:read_measured",
        "read_outcomes": "io:read_outcomes",
        "read_predictions": "io:read_predictions",
        "read_truth": "io:read_truth",
        "shared_genes": "types.expression:shared_genes",
        "subtypes_of_programmes": "spatial.modules:subtypes_of_programmes",
        "validate": "signature:validate",
        "well_predicted": "selection:well_predicted",
        "write_measured": "io:write_measured",
        "Map": "spatial:Map",
        "read_map": "spatial:read_map",
        "write_map": "spatial:write_map",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
