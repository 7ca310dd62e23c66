"""Gene set variation analysis: scores of gene sets in single samples, optionally against a frozen cohort.

>>> import numpy as np, pandas as pd
>>> table = pd.DataFrame(np.sin(np.arange(40.0).reshape(8, 5)), list("abcdefgh"), ["G1", "G2", "G3", "G4", "G5"])
>>> reference = Gsva({"first": ["G1", "G2"], "last": ["G4", "G5"]}).fit(table)
>>> reference.transform(table.loc[["c"]]).round(4).to_dict("list")
{'first': [-0.75], 'last': [1.0]}
"""

from sequoia_stats.sets.gsva.agreement import pathway_agreement
from sequoia_stats.sets.gsva.scorer import Gsva

__all__ = ["Gsva", "pathway_agreement"]
