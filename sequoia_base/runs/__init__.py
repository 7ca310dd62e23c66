"""A folder of outputs, one per item, that one or several processes fill and that can be resumed after any end.

``DIR/.runs`` is not for the user. It holds for each item ``NAME.json`` (its state), ``NAME.lock`` (locked by the
process that works on it) and, while it is worked on, ``NAME.part`` (a folder of unfinished outputs). An output appears
in ``DIR`` only when it is whole. ``DIR/runs.csv`` shows the states of all items, one row each.
"""

from sequoia_base.runs.folder import Claim, RunFolder, stored_state
from sequoia_base.runs.states import ItemState

__all__ = ["Claim", "ItemState", "RunFolder", "stored_state"]
