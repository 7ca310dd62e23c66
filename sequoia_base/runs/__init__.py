"""A folder of outputs, an item each, that is filled by one process or several and resumed after any end.

``DIR/.runs`` holds what is not for the user: of each item ``NAME.json`` (its state), ``NAME.lock`` (held by the process
that works on it) and, while it is worked on, ``NAME.part`` (a folder of outputs that are not finished). An output
stands in ``DIR`` only when it is whole. ``DIR/runs.csv`` shows the states of all items, a row each.
"""

from sequoia_base.runs.claims import Claim
from sequoia_base.runs.folder import RunFolder
from sequoia_base.runs.states import COLUMNS, ItemState
from sequoia_base.runs.turns import in_turn

__all__ = ["COLUMNS", "Claim", "ItemState", "RunFolder", "in_turn"]
