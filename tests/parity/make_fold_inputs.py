"""Write the inputs of the parity tests of folds and columns: ``python -m tests.parity.make_fold_inputs``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.parity.make_inputs import _write


def main() -> None:
    """Write all inputs: a row per patient with its fold, and a level or a number."""
    generator = np.random.default_rng(41)
    fold = generator.integers(0, 5, size=240)
    tables = {
        "even": pd.DataFrame({"fold": fold, "value": generator.integers(0, 4, size=240)}),
        "leaning": pd.DataFrame(
            {"fold": fold, "value": (generator.random(240) < 0.2 + 0.1 * fold).astype(int)}
        ),
        "two": pd.DataFrame({"fold": fold[:90] % 2, "value": generator.integers(0, 2, size=90)}),
        "numbers": pd.DataFrame({"fold": fold, "value": np.round(generator.normal(55, 12, size=240), 1)}),
        "tied": pd.DataFrame({"fold": fold, "value": np.round(generator.normal(55, 4, size=240) + fold)}),
    }
    for name, table in tables.items():
        _write("fold_association", name, table.set_axis([f"P{i + 1}" for i in range(len(table))], axis=0))


if __name__ == "__main__":
    main()
