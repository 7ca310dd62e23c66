"""Names of a package that are loaded when they are first used, so that importing the package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from typing import Any


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package (PEP 562).

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping of str to str
        Where each name is, inside the package: "module:name", or "module:" for the module itself.

    Returns
    -------
    callable
        Loads a name once; ``__version__`` is that of the installed distribution.

    Examples
    --------
    >>> on_demand("email", {"ascii": "charset:Charset"})("ascii")
    <class 'email.charset.Charset'>
    """

    def load(name: str) -> Any:
        value: Any
        if name in homes:
            module, _, there = homes[name].partition(":")
            value = import_module(f"{package}.{module}")
            value = getattr(value, there) if there else value
        elif name == "__version__":
            value = metadata.version("sequoia-histology")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    return load
