"""The base of all results: frozen dataclasses that print, tabulate and turn into JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Result:
    """Mixin for frozen dataclasses that are returned to users.

    Fields whose ``metadata`` holds ``{"show": False}`` are left out of `to_dict`, of the printed form and
    of `to_frame`: they carry the arrays that plots and further computations need.
    """

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON; what is undefined is None, never NaN."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {f.name: jsonable(getattr(self, f.name)) for f in fields if f.metadata.get("show", True)}

    def to_frame(self) -> pd.DataFrame:
        """One row with a column per field."""
        import pandas as pd

        return pd.DataFrame([self.to_dict()])

    def __str__(self) -> str:
        rows = [(name, _display(value)) for name, value in self.to_dict().items()]
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([type(self).__name__, *(f"  {name:<{width}}  {text}" for name, text in rows)])


def jsonable(value: Any) -> Any:
    """Turn numpy and pandas values into plain Python ones; NaN and infinities become None."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [jsonable(row) for row in value.to_dict(orient="records")]
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    return None if value != value else str(value)  # pandas' NaT and NA differ from themselves


def _display(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list() if len(value) > 6:
            return f"{', '.join(map(_display, value[:5]))}, … ({len(value)})"
        case list():
            texts = [_display(item) for item in value]
            return ("; " if any(", " in text for text in texts) else ", ").join(texts) or "–"  # sentences
        case dict():
            return ", ".join(f"{key} {_display(item)}" for key, item in value.items())
    return str(value)
