"""Write the inputs of the parity tests of intervals of a score: ``python -m tests.parity.make_interval_inputs``."""

from __future__ import annotations

from tests.build.scores import make_scores, make_uneven_scores
from tests.parity.make_inputs import _write

CASES = {
    "even": make_scores(n=60, folds=0),
    "uneven": make_uneven_scores(n=120, seed=2),
    "level_tied": make_scores(n=19, folds=0).round(1),
}


def main() -> None:
    """Write all inputs: measured and predicted scores of the calibration, and predicted scores of new patients."""
    for name, scores in CASES.items():
        _write("score_intervals", name, scores)
    _write("score_intervals", "new", make_scores(n=7, folds=0, seed=1, named="N")[["predicted"]])


if __name__ == "__main__":
    main()
