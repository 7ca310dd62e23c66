"""A folder of outputs, one per item, filled by one or several processes; an interrupted run can be resumed.

``DIR/.runs`` is internal. For each item it holds ``NAME.json`` (its state), ``NAME.lock`` (locked by the
process that works on it) and, while it is worked on, ``NAME.part`` (a folder of unfinished outputs). An output appears
in ``DIR`` only when it is whole. ``DIR/runs.csv`` shows the states of all items, one row each.

`attempt` is the one place that catches the errors of an item. The traceback of an error that nobody foresaw goes to a
log file, ``DIR/runs.log`` by default, which the failure names.
"""

from sequoia_base.runs.attempts import attempt, write_traceback
from sequoia_base.runs.folder import HIDDEN, LOG, POLL, TABLE, Claim, RunFolder, locked, stored_state
from sequoia_base.runs.states import ItemState

__all__ = [
    "HIDDEN",
    "LOG",
    "POLL",
    "TABLE",
    "Claim",
    "ItemState",
    "RunFolder",
    "attempt",
    "locked",
    "stored_state",
    "write_traceback",
]
