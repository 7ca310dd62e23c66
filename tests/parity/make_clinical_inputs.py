"""Write the inputs of the parity tests of correlations within strata and given covariates.

``python -m tests.parity.make_clinical_inputs``. Genes of a cohort serve as measured (x) and predicted (y) values of
each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_stats import datasets
from tests.parity.make_inputs import _write

#: table, x, y, covariates.
CASES = [
    ("tcga", "AURKA", "CCNB1", "pam50"),
    ("tcga", "AURKA", "CCNB1", "pam50 er pr"),
    ("tcga", "ESR1", "GATA3", "er"),
    ("tcga", "ESR1", "GATA3", "pam50 er pr"),
    ("tcga", "MKI67", "CD8A", "pam50"),
    ("simulated", "x1", "y1", "age"),
    ("simulated", "x1", "y1", "age size group"),
    ("simulated", "x2", "y2", "age group"),
    ("simulated", "x3", "y3", "age size group"),
    ("simulated", "x3", "y3", "age twice group"),
    ("simulated", "x1", "y1", "group"),
]


def main() -> None:
    """Write all inputs."""
    tcga = datasets.load_tcga_brca()
    genes = sorted({gene for table, x, y, _ in CASES for gene in (x, y) if table == "tcga"})
    clinical = tcga.covariates[["pam50", "er", "pr"]]
    rows = clinical["er"].isna().to_numpy() | (np.arange(tcga.n) % 4 == 0)  # all that miss a receptor
    table = tcga.expression[genes].round(4).join(clinical)[rows]
    _write("clinical", "tcga", table)
    _write("clinical", "simulated", simulated())
    columns = ["table", "x", "y", "covariates"]
    _write("clinical", "cases", pd.DataFrame(CASES, [f"c{i + 1}" for i in range(len(CASES))], columns))


def simulated() -> pd.DataFrame:
    """A seventh of x1 missing (1), a common offset of 1e8 (2), nearly explained by the covariates (3)."""
    generator = np.random.default_rng(29)
    n = 110
    age = np.round(generator.normal(58, 12, n))
    size = np.round(generator.gamma(4, 6, n), 1)
    group = generator.choice(["a", "b", "c", "d"], n, p=[0.5, 0.3, 0.185, 0.015])
    shift = pd.Series(group).map({"a": 0.0, "b": 1.0, "c": -2.0, "d": 0.5}).to_numpy()
    base = shift + 0.03 * age
    x, y = (base[:, None] + generator.normal(size=(n, 3)) * [1.0, 1.0, 1e-3] for _ in range(2))
    x[:, 2] += 1e-3 * y[:, 2]
    table = pd.DataFrame({"age": age, "size": size, "twice": 2 * age + 1, "group": group})
    for j, (offset, digits) in enumerate([(0, 4), (1e8, 4), (0, 8)]):
        table[f"x{j + 1}"], table[f"y{j + 1}"] = (np.round(v[:, j] + offset, digits) for v in (x, y))
    table.loc[::7, "x1"] = np.nan
    table.loc[3:9, "size"] = np.nan
    return table.set_axis([f"s{i + 1}" for i in range(n)], axis=0)


if __name__ == "__main__":
    main()
