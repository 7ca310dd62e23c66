"""Types of arrays, for annotations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Numbers in double precision.
Floats = NDArray[np.float64]
#: Numbers in any precision.
AnyFloats = NDArray[np.floating[Any]]
