"""The same criteria for all files of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sequoia_stats.errors import InputError, listing
from sequoia_stats.selection import RULES, Selection
from sequoia_stats.types.predictions import Predictions


def judged_alike(models: Mapping[str, Predictions], rule: str) -> tuple[dict[str, Predictions], str]:
    """The files as one rule judges all of them: without untrained networks, if one file has none.

    Parameters
    ----------
    models : dict of str to Predictions
        Files by name.
    rule : str
        As in `sequoia_stats.well_predicted`; a rule that needs an untrained network refuses the file itself.

    Returns
    -------
    models : dict of str to Predictions
        The given ones if all or none have an untrained network.
    note : str
        What was done, or empty.
    """
    lack = [name for name, data in models.items() if not data.untrained]
    if not lack or len(lack) == len(models) or rule not in RULES or RULES[rule].needs_untrained:
        return dict(models), ""
    has = "has" if len(lack) == 1 else "have"
    note = (
        f"{listing(lack, len(lack))} {has} no untrained network, so those of the other files are not used: "
        "all are judged by the same criteria"
    )
    return {name: replace(data, untrained=()) for name, data in models.items()}, note


def criteria_of(selections: Mapping[str, Selection]) -> tuple[str, ...]:
    """The criteria that all selections share.

    Raises
    ------
    InputError
        If selections were judged by different criteria.
    """
    found = {name: tuple(dict.fromkeys(one.counts["criterion"]))[1:] for name, one in selections.items()}
    if len(set(found.values())) > 1:
        raise InputError(
            "the genes were judged by different criteria",
            where="; ".join(f"{name}: {' and '.join(criteria)}" for name, criteria in found.items()),
            fix="judge all models with an untrained network, or none",
        )
    return next(iter(found.values()))
