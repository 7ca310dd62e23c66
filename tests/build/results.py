"""A small folder of results, written by the scripts of analyses/ themselves, without R."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.signature import validate
from tests.build.cohorts import make_cohort
from tests.build.plotted import make_signature
from tests.unit.stats.plots.test_cv import make_cross_validation

ROOT = Path(__file__).parents[2]
COHORTS = ["one", "two"]
#: The settings of the scripts on genes and pathways.
SETTINGS = {
    "models": [{"name": "less noise", "factor": 1.0}, {"name": "more noise", "factor": 0.5}],
    "rules": ["paper", "published-code", "strict"],
    "least": 0.2,
    "untrained": 2,
    "top": 10,
    "fractions": [0.5],
    "repeats": 2,
    "cohort": "one",
    "slides_per_patient": [1, 2],
    "folds": 5,
    "simulations": 3,
    "kcdf": "gaussian",
    "kernel": "table",
    "min_size": 2,
    "max_size": 500,
    "merge": {"measure": "jaccard", "threshold": 0.5},
    "shown": 5,
    "permutations": 20,
    "seed": 3,
}


@contextmanager
def scripts_of_analyses():
    """Make the scripts of analyses/ importable, as they import each other."""
    sys.path.insert(0, str(ROOT / "analyses"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "analyses"))


def make_sets() -> list[GeneSets]:
    """Two collections over G1, ..., G30; the second has a notice to keep."""
    names = [f"G{i + 1}" for i in range(30)]
    thirds = {f"SET_{i}": tuple(names[i::3]) for i in range(3)}
    return [
        GeneSets("small", thirds | {"SET_LIKE_0": tuple(names[::3][:-1])}, source="Small sets"),
        GeneSets(
            "other",
            {"FIRST": tuple(names[:12]), "LAST": tuple(names[12:])},
            source="Other sets",
            notice="© us",
        ),
    ]


def make_results(folder: Path, genes: int = 3) -> Path:
    """Everything that the report reads, for two simulated cohorts."""
    make_signature_results(folder, genes)
    make_gene_results(folder)
    make_pathway_results(folder)
    return folder


def make_signature_results(folder: Path, genes: int) -> None:
    """Write the results of training and validation."""
    with scripts_of_analyses():
        import fig4_signature
        import train_signature
        import validate_signature

        signature = make_signature(genes=genes)
        cohorts = {name: make_cohort(n=80, seed=i, name=name.title()) for i, name in enumerate(COHORTS)}
        cohorts = {
            name: cohort.with_step("patients: made", 90, 80, "10 < 20 left")
            for name, cohort in cohorts.items()
        }
        model = SimpleNamespace(signature_=signature, cv_=make_cross_validation(), flow_=cohorts["one"].flow)
        train_signature.save(model, folder)
        for name, cohort in cohorts.items():
            validation = validate(signature, cohort, adjust=("er", "pr"), bootstrap=20)
            validate_signature.save(validation, cohort, signature, folder, name)
        fig4_signature.draw(folder, COHORTS)


def make_gene_results(folder: Path) -> None:
    """Write the simulated predictions of both cohorts, and the results on their genes."""
    with scripts_of_analyses():
        import draw_genes
        import draw_models
        import null_simulation
        import select_genes
        import simulate_predictions

        cohorts = {
            name: make_cohort(n=80, genes=30, seed=i, name=name.title()) for i, name in enumerate(COHORTS)
        }
        for seed, (name, cohort) in enumerate(cohorts.items()):
            truth, predictions = simulate_predictions.simulate(cohort, SETTINGS, np.random.SeedSequence(seed))
            simulate_predictions.save(cohort, truth, predictions, folder, name)
            select_genes.save(predictions["less noise"], SETTINGS, folder, name)
        draw_genes.draw(folder, COHORTS, SETTINGS)
        draw_models.draw(folder, COHORTS, SETTINGS)
        null_simulation.save(cohorts["one"].expression, "One", SETTINGS, folder)


def make_pathway_results(folder: Path) -> None:
    """Write the results on gene sets."""
    sets = make_sets()
    with scripts_of_analyses():
        import agree_pathways
        import fig3_agreement
        import fig3_pathways
        import fig4_signature_pathways
        import kernel_difference
        import rank_genes
        from _selections import load_selection
        from _shared import predictions_file

        from sequoia_stats import read_predictions

        for collection in sets:
            fig3_pathways.draw(folder, COHORTS, SETTINGS, collection)
        for name in COHORTS:
            predictions = read_predictions(predictions_file(folder, name, "less noise"))
            agree_pathways.save(predictions, sets, SETTINGS, folder, name)
            rank_genes.save(load_selection(folder, "paper", name), sets, SETTINGS, folder, name)
        fig3_agreement.draw(folder, COHORTS, [one.source for one in sets], SETTINGS)
        kernel_difference.save([make_cohort(n=30, genes=30, name="One")], sets[0], folder)
        universe = [f"G{i + 1}" for i in range(30)]
        fig4_signature_pathways.draw(folder, universe, sets, SETTINGS)
