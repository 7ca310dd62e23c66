"""Write the inputs of the parity tests of correlations and errors: ``python -m tests.parity.make_correlation_inputs``.

Genes of a cohort serve as measured (x), predicted (y) and untrained (z) values of each other.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from sequoia_stats import datasets
from tests.parity.make_inputs import _write

#: measured, predicted, untrained.
TRIPLES = {
    "tcga": ["AURKA CCNB1 ESR1", "ESR1 GATA3 MLPH", "KRT5 KRT14 CD8A", "MKI67 CD8A UBE2C"],
    "metabric": ["ERBB2 GRB7 STARD3", "FOXC1 ESR1 PGR", "CD8A MKI67 KRT5"],
    "simulated": ["x1 y1 z1", "x2 y2 z2", "x3 y3 z3", "x4 y4 z4"],
}
#: r12, r13, r23, n: three with published values, then correlations near 1, near each other, and negative.
PRINTED = [(0.3, 0.4, 0.5, 100), (0.4, 0.5, 0.1, 103), (0.2, 0.5, 0.1, 315)]
EXTREME = [
    (0.999, 0.998, 0.9985, 50),
    (0.9, -0.9, -0.95, 1130),
    (0.5, 0.499999, 0.99999, 1130),
    (0.7, 0.1, 0.2, 20000),
    (0.95, 0.05, 0.0, 1130),
    (-0.6, -0.2, 0.3, 40),
    (0.2, 0.0, 0.0, 8),
    (0.1, 0.3, -0.4, 4),
]


def main() -> None:
    """Write all inputs."""
    cohorts = {"tcga": datasets.load_tcga_brca(), "metabric": datasets.load_metabric()}
    for name, cohort in cohorts.items():
        genes = sorted({gene for triple in TRIPLES[name] for gene in triple.split()})
        _write("correlation", name, cohort.expression[genes].iloc[:400].round(4))
    _write("correlation", "simulated", simulated())
    cases = [(name, *triple.split()) for name, triples in TRIPLES.items() for triple in triples]
    columns = ["table", "x", "y", "z"]
    _write("correlation", "triples", pd.DataFrame(cases, [f"c{i + 1}" for i in range(len(cases))], columns))
    _write("correlation", "grid", grid())
    generator = np.random.default_rng(17)
    p = np.round(generator.uniform(size=40) ** 3, 3)  # some tie, some are 0
    _write("correlation", "p_values", pd.DataFrame({"p": [*p, 1e-300, 1e-20, 1.0]}, range(1, 44)))


def simulated() -> pd.DataFrame:
    """Values missing (1), a common offset of 1e8 (2), r near 1 with a p-value near 1e-300 (3), many zeros (4)."""
    generator = np.random.default_rng(23)
    truth = generator.normal(size=(130, 4))
    noise = np.array([1.0, 0.7, 0.005, 1.0])
    predicted = truth + noise * generator.normal(size=truth.shape)
    untrained = 0.3 * truth + generator.normal(size=truth.shape)
    table = {}
    for j, (offset, digits) in enumerate([(0, 4), (1e8, 4), (0, 6), (0, 1)]):
        values = np.round(np.column_stack([truth[:, j], predicted[:, j], untrained[:, j]]) + offset, digits)
        table |= dict(zip([f"{letter}{j + 1}" for letter in "xyz"], values.T, strict=True))
    frame = pd.DataFrame(table, [f"s{i + 1}" for i in range(len(truth))])
    frame.loc[frame.index[::7], "x1"] = np.nan
    frame[["x4", "y4"]] = frame[["x4", "y4"]].clip(lower=0)
    return frame


def grid() -> pd.DataFrame:
    """Correlations that can occur together, over a lattice; and chosen ones."""
    steps = [-0.8, -0.3, 0.0, 0.35, 0.75]
    lattice = [
        (a, b, r, n)
        for a, b, r in product(steps, steps, steps)
        for n in [25 if a > b else 600]
        if 1 - a * a - b * b - r * r + 2 * a * b * r > 0.02
    ]
    rows = [*PRINTED, *EXTREME, *lattice]
    return pd.DataFrame(rows, [f"g{i + 1}" for i in range(len(rows))], columns=["r12", "r13", "r23", "n"])


if __name__ == "__main__":
    main()
