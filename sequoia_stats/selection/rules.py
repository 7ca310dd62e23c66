"""Which genes are well predicted: every statistic of every gene, and the criterion that it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.association import METHODS, AlternativeName, MethodName
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_predictions
from sequoia_stats.selection._levels import Level, levels
from sequoia_stats.selection._statistics import STATISTICS, Setting, gene_statistics
from sequoia_stats.types._matrices import varying
from sequoia_stats.types.predictions import Predictions

if TYPE_CHECKING:
    from anndata import AnnData

UNITS = ("patients", "slides", "cluster-bootstrap")
#: Statistics that need an untrained network; criteria that name one are not judged without it.
_OF_UNTRAINED = ("r_untrained", "p_dependent", "rmse_untrained")


@dataclass(frozen=True)
class Rule:
    """What makes a gene well predicted.

    Parameters
    ----------
    criteria : tuple of str
        "a<b" or "a>b", with a a column of the table and b a number or a column; applied one after the other.
    method, alternative : str
        The dependent test of r against r_untrained, as `correlation.dependent_correlation_test` has them.
    units : str
        One of `UNITS`.
    needs_untrained : bool
        Whether the rule refuses predictions without an untrained network.
    """

    criteria: tuple[str, ...]
    method: MethodName
    alternative: AlternativeName
    units: str
    needs_untrained: bool


_PAPER = ("r>0", "p<0.05", "r>r_untrained", "p_dependent<0.05", "p_dependent_bh<0.2", "rmse<rmse_untrained")
_STRICT = ("r>0", "p_bh<0.05", "r>r_untrained", "p_dependent_bh<0.05", "rmse<rmse_untrained")
#: The rules by name: what the paper says, what its code computes, what a careful statistician would do.
RULES = {
    "paper": Rule(_PAPER, "steiger", "two-sided", "slides", True),
    "published-code": Rule(_PAPER, "williams", "absolute", "slides", True),
    "strict": Rule(_STRICT, "steiger", "greater", "patients", False),
}


@dataclass(frozen=True, eq=False)
class Selection(Result):
    """Genes with all their statistics, and how many passed each criterion.

    Parameters
    ----------
    table : DataFrame
        A row per gene (and level of `by`, whose column then comes first): ``gene``, `STATISTICS`,
        ``well_predicted``, and ``failed``: the first criterion that the gene did not meet, or nothing.
    counts : DataFrame
        ``level, criterion, n_left``: genes left after each criterion, the first of which is "tested".
    rule, method, alternative, units : str
        What was applied.
    by : str or None
        The column whose levels were judged apart.
    notes : tuple of str
        Sentences that belong to the result.
    flow : DataFrame
        Ledger of the predictions: ``step, n_before, n_after, reason``.
    """

    table: pd.DataFrame = field(metadata={"show": False})
    counts: pd.DataFrame
    rule: str
    method: str
    alternative: str
    units: str
    by: str | None = None
    notes: tuple[str, ...] = ()
    flow: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def gene(self) -> pd.Series:
        """Gene of every row of the table."""
        return self.table["gene"]

    @property
    def well_predicted(self) -> pd.Series:
        """Whether the gene of a row is well predicted."""
        return self.table["well_predicted"]

    @property
    def note(self) -> str:
        """All notes in one text; names of levels, which some begin with, stay as they are."""
        names = tuple(f"{level}: " for level in self.counts["level"])
        return " ".join(
            f"{note}." if note.startswith(names) else f"{note[0].upper()}{note[1:]}." for note in self.notes
        )

    def to_frame(self) -> pd.DataFrame:
        """The table of genes."""
        return self.table

    def __str__(self) -> str:
        test = f"{self.method}, {self.alternative}; units: {self.units}"
        counts = self.counts.pivot(index="level", columns="criterion", values="n_left")
        counts = counts[list(dict.fromkeys(self.counts["criterion"]))]
        counts = counts.rename_axis(index=self.by or "", columns=None)
        return f"Well-predicted genes by the rule {self.rule} ({test})\n{counts.to_string()}"


def well_predicted(
    predictions: str | Path | Predictions | AnnData,
    *,
    rule: str = "paper",
    method: str | None = None,
    by: str | None = None,
    units: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    jobs: int | None = None,
) -> Selection:
    """Judge every gene by a rule.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Whatever `io.read_predictions` takes.
    rule : {"paper", "published-code", "strict"}
        What makes a gene well predicted, see `RULES`. "paper": r > 0, p < .05, r > r_untrained, Steiger's test
        two-sided p < .05 and BH-adjusted p < .2, RMSE below that of the untrained network; slides are units.
        "published-code": the same with Williams' t, one-tailed on |t|. "strict": BH-adjusted p < .05 for r and for
        Steiger's test with the alternative greater; patients are units.
    method : {"steiger", "williams", "dunn-clark", "hotelling", "meng"}, optional
        Another test of dependent correlations than the rule's.
    by : str, optional
        A column of slides, such as the cancer type: each level is judged alone, and p-values are adjusted over all
        genes of a level.
    units : {"patients", "slides", "cluster-bootstrap"}, optional
        "patients" averages the slides of a patient first. "cluster-bootstrap" keeps slides and takes standard errors
        of Fisher's z from patients drawn with replacement: both tests are then Student's t (patients - 2 and - 3
        degrees of freedom), and the interval of r - r_untrained holds the quantiles of the replicates.
    bootstrap : int, default 1000
        Replicates of the cluster bootstrap, at least 100.
    seed : int, default 0
        Seed of the cluster bootstrap.
    jobs : int, optional
        Number of threads, one per available core by default; results do not depend on it.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        If a word is unknown, the rule needs an untrained network and there is none, or a level has too few units.

    Notes
    -----
    With several untrained networks, r_untrained and r_between are averages on Fisher's scale, and rmse_untrained is
    the root of the mean squared error over all of them. The dependent test takes the averages for the correlations of
    one network, which is cautious: the average varies less, as the cluster bootstrap sees. ``r_folds`` averages the r
    within the folds on Fisher's scale, weighted by n - 3. ``z`` is the statistic of the dependent test.
    ``r_difference_low`` and ``_high`` bound r - r_untrained with 95% confidence (Zou). A constant gene has r 0 and p
    1, and stays in the table.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> truth = np.random.default_rng(0).normal(size=(50, 2))
    >>> noise = np.random.default_rng(1).normal(size=(50, 2))
    >>> obs = pd.DataFrame(index=[f"P{i}" for i in range(50)])
    >>> made = Predictions(truth * [1, -1] + noise, truth, obs, pd.Index(["A", "B"]), (5 + noise[::-1],))
    >>> well_predicted(made).table.set_index("gene")["failed"].to_dict()
    {'A': '', 'B': 'r>0'}
    """
    chosen = _word(rule, RULES, "rule", "--rule")
    units = _word(units or chosen.units, {unit: unit for unit in UNITS}, "unit", "--units")
    test = _word(method or chosen.method, {name: name for name in METHODS}, "method", "--method")
    clustered = units == "cluster-bootstrap"
    if clustered and method is not None:
        raise InputError("the cluster bootstrap is a test of its own", fix="leave out either --method or it")
    if clustered and bootstrap < 100:
        raise InputError(f"{bootstrap} replicates are too few", fix="draw 100 or more: --bootstrap")
    data = read_predictions(predictions)
    if chosen.needs_untrained and not data.untrained:
        raise InputError(
            f"the rule {rule!r} compares with an untrained network, and there is none",
            where=f"{data.name} has no layer 'untrained'",
            fix="give one (--untrained), or judge r alone: --rule strict",
        )
    if by in ("gene", *STATISTICS, "well_predicted", "failed"):
        raise InputError(f"the levels are in a column called {by!r}, as one of the results", fix="rename it")
    setting = Setting(test, chosen.alternative, units, bootstrap, seed, jobs)
    parts = levels(data, by, average=units == "patients")
    judged = {level: _judge(part, chosen, setting) for level, part in parts}
    tables = [table if by is None else table.assign(**{by: level}) for level, (table, _) in judged.items()]
    columns = [*([] if by is None else [by]), "gene", *STATISTICS, "well_predicted", "failed"]
    notes = [*_general_notes(data, chosen, units), *(note for _, notes in judged.values() for note in notes)]
    return Selection(
        table=pd.concat(tables, ignore_index=True)[columns],
        counts=pd.concat(
            [_count(table, level, chosen) for level, (table, _) in judged.items()], ignore_index=True
        ),
        rule=rule,
        method="cluster-bootstrap" if clustered else test,
        alternative=chosen.alternative,
        units=units,
        by=by,
        notes=tuple(notes),
        flow=data.flow,
    )


def _word(word: str, table: dict[str, Any], what: str, option: str) -> Any:
    if word not in table:
        raise InputError(f"there is no {what} {word!r}", fix=f"{option} {'|'.join(table)}")
    return table[word]


def _judge(level: Level, rule: Rule, setting: Setting) -> tuple[pd.DataFrame, list[str]]:
    """The table of one level with the verdict, and what is to be said about it."""
    table, notes = gene_statistics(level, setting)
    failed = np.full(len(table), "", dtype=object)
    for criterion in reversed(_applied(rule, bool(level.data.untrained))):
        failed[~_met(table, criterion)] = criterion
    return table.assign(well_predicted=failed == "", failed=failed), notes


def _general_notes(data: Predictions, rule: Rule, units: str) -> list[str]:
    """Sentences about all levels."""
    notes = []
    if not data.untrained:
        judged = " and ".join(_applied(rule, untrained=False))
        notes.append(f"there is no untrained network, so genes are judged by {judged} alone")
    elif len(data.untrained) == 1 and rule is RULES["strict"]:
        notes.append("the null is that of one untrained network; several seeds would steady it")
    n, still = len(data.untrained), sum(not varying(matrix).any() for matrix in data.untrained)
    if still:
        which = "the untrained network predicts" if n == 1 else f"{still} of {n} untrained networks predict"
        notes.append(
            f"{which} one value in all slides, gene by gene: its r is 0, and what is compared with it means little"
        )
    if units == "slides" and data.patients.has_duplicates:
        notes.append("slides of a patient are counted as if they were independent")
    return notes


def _applied(rule: Rule, untrained: bool) -> list[str]:
    """The criteria that can be judged."""
    return [c for c in rule.criteria if untrained or not any(name in c for name in _OF_UNTRAINED)]


def _met(table: pd.DataFrame, criterion: str) -> NDArray[np.bool_]:
    """Which genes meet one criterion; what is NaN meets none."""
    less = "<" in criterion
    name, _, limit = criterion.partition("<" if less else ">")
    value = table[limit] if limit in table else float(limit)
    return (table[name] < value if less else table[name] > value).to_numpy()


def _count(table: pd.DataFrame, level: str, rule: Rule) -> pd.DataFrame:
    """Genes left after each criterion."""
    left = np.ones(len(table), dtype=bool)
    lines = [(level, "tested", len(table))]
    for criterion in _applied(rule, bool(table["r_untrained"].notna().any())):
        left &= _met(table, criterion)
        lines.append((level, criterion, int(left.sum())))
    return pd.DataFrame(lines, columns=["level", "criterion", "n_left"])
