"""Arguments of public calls: what a value may be, the parameters of an estimator, and how progress is told."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

from sequoia_base.errors import InputError

#: ``progress(items, total)`` wraps an iterable of known length and passes its items on, as a progress bar does.
ProgressBar = Callable[[Iterable[Any], int], Iterable[Any]]
#: Takes a value; returns "" if it is valid, otherwise what it must be, in words. A table of limits has one per name.
Limit = Callable[[Any], str]


def one_of(choices: Collection[str]) -> Limit:
    """One of the given words."""
    return lambda value: "" if isinstance(value, str) and value in choices else ", ".join(choices)


def whole(least: int) -> Limit:
    """A whole number, `least` or more."""
    return lambda value: (
        "" if isinstance(value, Integral) and int(value) >= least else f"a whole number, {least} or more"
    )


def number(words: str, holds: Callable[[float], bool]) -> Limit:
    """A number for which `holds` is true, described by `words`; never NaN."""
    return lambda value: "" if isinstance(value, Real) and holds(float(value)) else words


def optional(limit: Limit) -> Limit:
    """None, or a value within `limit`."""
    return lambda value: "" if value is None else limit(value)


def check_limits(values: Mapping[str, Any], limits: Mapping[str, Limit]) -> None:
    """Refuse the first value that is outside its limit.

    Raises
    ------
    InputError
        Naming the argument, its value and what it must be.
    """
    for name, limit in limits.items():
        value, argument = values[name], name.rstrip("_")
        if not (wanted := limit(value)):
            continue
        if isinstance(value, str):
            raise InputError(f"{value!r} is not a valid {argument}", fix=f"use {wanted}")
        raise InputError(f"{argument} must be {wanted}, but is {value!r}")


def count_jobs(jobs: int | None) -> int:
    """Number of threads to use: the given number, or one per core that this process may run on."""
    if jobs is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    check_limits({"jobs": jobs}, {"jobs": whole(1)})
    return jobs


class Parameters:
    """Mixin of estimators in scikit-learn's style: the arguments of the constructor are the parameters.

    A subclass stores every argument under its own name, changes none of them, and calls `check_parameters` when
    it is fitted.
    """

    #: What the parameters may be; one that is not listed is checked against the data.
    LIMITS: ClassVar[Mapping[str, Limit]] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name.

        Parameters
        ----------
        deep : bool
            Accepted because scikit-learn passes it; no parameter is an estimator.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Change some of the parameters; they are checked when the estimator is fitted.

        Raises
        ------
        InputError
            If there is no parameter of that name.
        """
        known = self.get_params()
        for name, value in parameters.items():
            if name not in known:
                raise InputError(
                    f"{name!r} is not a valid parameter of {type(self).__name__}",
                    fix=f"use {', '.join(known)}",
                )
            setattr(self, name, value)
        return self

    def check_parameters(self) -> None:
        """Refuse a parameter that is outside its limit."""
        check_limits(self.get_params(), self.LIMITS)
