"""JSON files with a schema: read, and judged as a whole, so that one message names everything that is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from sequoia_stats.errors import InputError, counted, listing

#: Most faults that one message lists.
_MOST = 12


def read_json(path: Path, what: str) -> Any:
    """The content of a JSON file, with finite numbers only; `what` is the kind of file, with its article."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)
    except FileNotFoundError:
        raise InputError("the file does not exist", where=str(path)) from None
    except IsADirectoryError:
        raise InputError(f"a folder was given, but {what} is a JSON file", where=str(path)) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    except RecursionError:
        raise InputError(
            "the file is nested too deeply", where=str(path), fix="get a new copy, or write it again"
        ) from None
    except (UnicodeDecodeError, ValueError) as error:
        fix = "" if path.suffix.lower() == ".json" else f"{what} is a .json file, and comes before the cohort"
        raise InputError(f"the file is not valid JSON: {error}", where=str(path), fix=fix) from None


def refuse_faults(
    content: Mapping[str, Any], schema: str, what: str, path: Path, *, more: Mapping[str, str], fix: str
) -> None:
    """Refuse content that breaks its schema, or has other faults; one error names all of them with their places.

    Parameters
    ----------
    content : dict
        The content of the file.
    schema : str
        Name of the schema in ``sequoia_stats/schemas``, without its ending.
    what : str
        The kind of file: "the signature".
    path : path
        The file, for the error.
    more : dict of str to str
        Faults that a schema cannot tell, by their place in the file.
    fix : str
        What to do about a file that was written by hand.
    """
    faults = [*_broken(content, schema)]
    known = {place for place, _ in faults}
    faults += [(place, fault) for place, fault in more.items() if place not in known]
    if not faults:
        return
    lines = listing((f"{fault} (at {place})" for place, fault in faults), _MOST)
    raise InputError(
        f"{what} breaks its schema in {counted(len(faults), 'place')}: {lines}",
        where=f"{path}, at {listing(dict(faults), _MOST)}",
        fix=fix,
    )


def _broken(content: Mapping[str, Any], schema: str) -> Iterator[tuple[str, str]]:
    """Place and words of every breach of the schema; parts that are missing from one place are named together."""
    missing: dict[str, list[str]] = {}
    for error in sorted(_validator(schema).iter_errors(content), key=lambda e: list(map(str, e.path))):
        place = "/" + "/".join(map(str, error.path))
        if error.validator == "required":
            missing[place] = [name for name in error.validator_value if name not in error.instance]
        elif error.validator == "anyOf":
            yield place, "is none of the parameters that a transform has"
        else:
            yield place, error.message[:200]
    for place, names in missing.items():
        yield place, f"{listing(names, 20)} {'is' if len(names) == 1 else 'are'} missing"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse_constant(text)
    return number


def _integer(text: str) -> int:
    _finite(text)
    return int(text)


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a finite number")


@cache
def _validator(schema: str) -> Any:
    import jsonschema

    text = resources.files("sequoia_stats").joinpath("schemas", f"{schema}.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))
