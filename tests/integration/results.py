"""A small folder of results, written by the scripts of analyses/ themselves, without R."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from sequoia_stats.signature import validate
from tests.make import make_cohort
from tests.unit.plots.builders import make_signature
from tests.unit.plots.test_cv import make_cross_validation

ROOT = Path(__file__).parents[2]
COHORTS = ["one", "two"]


@contextmanager
def scripts_of_analyses():
    """Let the scripts of analyses/ be imported as they import each other."""
    sys.path.insert(0, str(ROOT / "analyses"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "analyses"))


def make_results(folder: Path, genes: int = 3) -> Path:
    """Everything that the report reads, for two made cohorts."""
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
    return folder
