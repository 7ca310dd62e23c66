"""Which genes are well predicted: all statistics of every gene, and the first criterion that it fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from sequoia_base.arguments import check_limits, one_of, optional, whole
from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.association import METHODS, AlternativeName, MethodName
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_predictions
from sequoia_stats.selection import _clinical
from sequoia_stats.selection._levels import Level, levels
from sequoia_stats.selection._statistics import STATISTICS, Setting, gene_statistics
from sequoia_stats.types._matrices import varying
from sequoia_stats.types.criteria import PAPER, STRICT, meets, needs_untrained
from sequoia_stats.types.predictions import Predictions

if TYPE_CHECKING:
    from anndata import AnnData

UNITS = ("patients", "slides", "cluster-bootstrap")


@dataclass(frozen=True)
class Rule:
    """What makes a gene well predicted.

    Parameters
    ----------
    criteria : tuple of str
        Names of criteria (`sequoia_stats.types.criteria`), applied one after the other.
    method, alternative : str
        The test of r against r_untrained, as in `correlation.dependent_correlation_test`.
    units : str
        One of `UNITS`.
    needs_untrained : bool
        Whether the rule refuses predictions without an untrained network.
    title : str
        How sentences refer to the rule.
    """

    criteria: tuple[str, ...]
    method: MethodName
    alternative: AlternativeName
    units: str
    needs_untrained: bool
    title: str


#: The rules by name: what the paper says, what its code computes, and what a careful statistician would do.
RULES = {
    "paper": Rule(PAPER, "steiger", "two-sided", "slides", True, "the paper's rule"),
    "published-code": Rule(PAPER, "williams", "absolute", "slides", True, "the rule of the published code"),
    "strict": Rule(STRICT, "steiger", "greater", "patients", False, "the strict rule"),
}

_LIMITS = {"rule": one_of(RULES), "units": optional(one_of(UNITS)), "method": optional(one_of(METHODS))}


@dataclass(frozen=True, eq=False)
class Selection(Result):
    """Genes with all their statistics, and how many passed each criterion.

    Parameters
    ----------
    table : DataFrame
        One row per gene, or per level of `by` and gene (the column of levels then comes first): ``gene``,
        `STATISTICS`, ``well_predicted``, and ``failed``: the first criterion that the gene does not meet, if any.
        Before the last two, for each column of `within`: ``r_within_<column>`` with its ``n_``, ``p_`` and
        ``p_..._bh``, and ``r_<column>=<stratum>`` with its ``n_``; for `beyond`: ``r_beyond_<columns>`` with the same.
    counts : DataFrame
        ``level, criterion, n_left``: genes left after each criterion; the first is "tested".
    rule, method, alternative, units : str
        The rule, test and units that were used.
    by : str or None
        The column whose levels were judged separately.
    notes : tuple of str
        Sentences to report with the result.
    flow : DataFrame
        Ledger of the predictions: ``step, n_before, n_after, reason``.
    adjusted : DataFrame
        With `within` or `beyond`: ``level, adjusted`` ("within pam50", "pam50=LumA", "beyond er, age"), ``n`` (units),
        ``r_median`` of all genes in the units that have the variables, ``r_median_adjusted``, ``n_well_predicted``,
        ``n_unadjusted``: how many of these have r > 0 with BH-adjusted p < 0.05 in the same units with nothing held
        constant, and ``n_still_predicted``: how many have it with the variables constant. The difference of the last
        two is due to the variables, what is lost before to missing values. Both are missing for a single stratum.
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
    adjusted: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_clinical.ADJUSTED))

    @property
    def gene(self) -> pd.Series:
        """The gene of every row of the table."""
        return self.table["gene"]

    @property
    def well_predicted(self) -> pd.Series:
        """Whether the gene of each row is well predicted."""
        return self.table["well_predicted"]

    @property
    def _unit(self) -> str:
        return "patients" if self.units == "patients" else "slides"

    @property
    def note(self) -> str:
        """All notes as one text, each with a capital letter unless it begins with the name of a level."""
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
        text = f"Well-predicted genes by the rule {self.rule} ({test})\n{counts.to_string()}"
        if self.adjusted.empty:
            return text
        table = self.adjusted.drop(columns=[] if self.by else "level")
        for name in ("n_unadjusted", "n_still_predicted"):
            table[name] = [f"{n:.0f}" if n == n else "" for n in table[name]]
        words = table.to_string(index=False, float_format="{:.3f}".format)
        title = f"r with clinical variables held constant, and without (r_median) in the same {self._unit}"
        return f"{text}\n\n{title}\n{words}"


def well_predicted(
    predictions: str | Path | Predictions | AnnData,
    *,
    rule: str = "paper",
    method: str | None = None,
    by: str | None = None,
    units: str | None = None,
    within: str | Sequence[str] = (),
    beyond: str | Sequence[str] = (),
    bootstrap: int = 1000,
    seed: int = 0,
    jobs: int | None = None,
) -> Selection:
    """Judge every gene by a rule.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Anything that `io.read_predictions` reads.
    rule : {"paper", "published-code", "strict"}
        What makes a gene well predicted, see `RULES`. "paper": r > 0 with p < 0.05; r > r_untrained with p < 0.05
        and BH-adjusted p < 0.2 by Steiger's two-sided test; RMSE below that of the untrained network; the units are
        slides. "published-code": the same with Williams' t, one-tailed on |t|. "strict": BH-adjusted p < 0.05 for r
        and for Steiger's one-sided test; the units are patients.
    method : {"steiger", "williams", "dunn-clark", "hotelling", "meng"}, optional
        Test of dependent correlations; that of the rule by default.
    by : str, optional
        A column of slides, such as the cancer type. Each level is judged separately, and p-values are adjusted over
        all genes of a level.
    units : {"patients", "slides", "cluster-bootstrap"}, optional
        "patients" averages the slides of each patient first. "cluster-bootstrap" keeps slides and estimates standard
        errors of Fisher's z by drawing patients with replacement. Both tests are then Student's t (number of
        patients - 2 and - 3 degrees of freedom), and the interval of r - r_untrained is given by the quantiles of
        the replicates.
    within : str or sequence of str, optional
        Columns of slides, such as ER status, subtype, grade or site: r within the strata of each, and its mean over the
        strata on Fisher's scale, weighted by n - 3. Strata of fewer than 4 units are left out. The verdict stays that
        of the rule.
    beyond : str or sequence of str, optional
        Columns of slides that are held constant together: the partial r of predicted and measured values. Numbers enter
        as they are, categories as indicators.
    bootstrap : int, default 1000
        Number of replicates of the cluster bootstrap, at least 100.
    seed : int, default 0
        Random seed of the cluster bootstrap, 0 or more.
    jobs : int, optional
        Number of threads, one per available core by default; results do not depend on it.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        If a word is not valid, the rule needs an untrained network and there is none, a level has too few units, or a
        column does not exist or has no usable values.

    Notes
    -----
    With several untrained networks, r_untrained and r_between are averages on Fisher's scale, and rmse_untrained is
    the root of the mean squared error over all of them. The dependent test treats the averages as correlations of a
    single network. This is conservative: the average varies less, which the cluster bootstrap takes into account.
    ``r_folds`` averages the r within folds on Fisher's scale, weighted by n - 3. ``z`` is the statistic of the
    dependent test. ``r_difference_low`` and ``_high`` bound r - r_untrained with 95% confidence (Zou). A constant
    gene has r 0 and p 1, and stays in the table.

    A gene whose r vanishes within strata, or beyond clinical variables, is predicted no better than these variables
    tell: the network may only have seen the subtype or the hospital (Dawood 2026). If the units are slides of patients
    with several, p-values of both treat them as independent.

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
    check_limits({"rule": rule, "units": units, "method": method}, _LIMITS)
    chosen = RULES[rule]
    units, test = units or chosen.units, cast(MethodName, method or chosen.method)
    clustered = units == "cluster-bootstrap"
    if clustered and method is not None:
        raise InputError(
            "the cluster bootstrap has its own test", fix="leave out --method, or use other --units"
        )
    if clustered:
        check_limits({"bootstrap": bootstrap, "seed": seed}, {"bootstrap": whole(100), "seed": whole(0)})
    data = read_predictions(predictions)
    if chosen.needs_untrained and not data.untrained:
        raise InputError(
            f"the rule {rule!r} needs an untrained network, and there is none",
            where=f"{data.name} has no layer 'untrained'",
            fix="give its predictions with --untrained, or judge by r alone with --rule strict",
        )
    if by in ("gene", *STATISTICS, "well_predicted", "failed"):
        raise InputError(
            f"the column of levels is called {by!r}, like a column of the result", fix="rename it"
        )
    setting = Setting(test, chosen.alternative, units, bootstrap, seed, jobs)
    parts = levels(data, by, average=units == "patients")
    clinical = (_names(within), _names(beyond))
    flow = Flow.of(data.flow)
    judged = {level: _judge(part, chosen, setting, clinical, flow) for level, part in parts}
    tables = [table if by is None else table.assign(**{by: level}) for level, (table, _, _) in judged.items()]
    first, last = [*([] if by is None else [by]), "gene", *STATISTICS], ["well_predicted", "failed"]
    added = dict.fromkeys(
        name for table in tables for name in table.columns if name not in [*first, *last]
    )  # levels may differ in their strata
    columns = [*first, *added, *last]
    notes = [
        *_general_notes(data, chosen, units),
        *(note for _, notes, _ in judged.values() for note in notes),
    ]
    if any(clinical) and units != "patients" and data.patients.has_duplicates:
        notes.append("p-values within strata and beyond variables treat slides as independent")
    return Selection(
        table=pd.concat(tables, ignore_index=True)[columns],
        counts=pd.concat(
            [_count(table, level, chosen) for level, (table, _, _) in judged.items()], ignore_index=True
        ),
        rule=rule,
        method="cluster-bootstrap" if clustered else test,
        alternative=chosen.alternative,
        units=units,
        by=by,
        notes=tuple(notes),
        flow=flow.to_frame(),
        adjusted=pd.DataFrame(
            [(level, *row) for level, (_, _, rows) in judged.items() for row in rows],
            columns=_clinical.ADJUSTED,
        ),
    )


def _names(columns: str | Sequence[str]) -> tuple[str, ...]:
    """Names of columns, each once."""
    return tuple(dict.fromkeys([columns] if isinstance(columns, str) else columns))


def _judge(
    level: Level,
    rule: Rule,
    setting: Setting,
    clinical: tuple[tuple[str, ...], tuple[str, ...]],
    flow: Flow,
) -> tuple[pd.DataFrame, list[str], list[tuple[object, ...]]]:
    """The table of one level with the verdict, notes about it, and rows of `Selection.adjusted`."""
    strata, given = clinical
    found = [_clinical.within(level, column, flow, setting.jobs) for column in strata]
    found += [_clinical.beyond(level, given, flow, setting.jobs)] if given else []
    table, notes = gene_statistics(level, setting)
    failed = np.full(len(table), "", dtype=object)
    for criterion in reversed(_applied(rule, bool(level.data.untrained))):
        failed[~meets(table, criterion)] = criterion
    well = failed == ""
    rows = [row for one in found for row in one.summary(well)]
    table = table.assign(**{name: values for one in found for name, values in one.columns().items()})
    return table.assign(well_predicted=well, failed=failed), [*notes, *(one.note for one in found)], rows


def _general_notes(data: Predictions, rule: Rule, units: str) -> list[str]:
    """Notes that concern all levels."""
    notes = []
    if not data.untrained:
        judged = " and ".join(_applied(rule, untrained=False))
        notes.append(f"there is no untrained network, so genes are judged only by {judged}")
    elif len(data.untrained) == 1 and rule is RULES["strict"]:
        notes.append(
            "the null comes from a single untrained network; several seeds would make it more stable"
        )
    n, still = len(data.untrained), sum(not varying(matrix).any() for matrix in data.untrained)
    if still:
        which = "the untrained network predicts" if n == 1 else f"{still} of {n} untrained networks predict"
        notes.append(
            f"{which} the same value of a gene for all slides: r_untrained is 0, so the comparison means little"
        )
    if units == "slides" and data.patients.has_duplicates:
        notes.append("slides of the same patient are treated as independent")
    return notes


def _applied(rule: Rule, untrained: bool) -> list[str]:
    """The criteria that can be applied."""
    return [criterion for criterion in rule.criteria if untrained or not needs_untrained(criterion)]


def _count(table: pd.DataFrame, level: str, rule: Rule) -> pd.DataFrame:
    """Genes left after each criterion."""
    left = np.ones(len(table), dtype=bool)
    lines = [(level, "tested", len(table))]
    for criterion in _applied(rule, bool(table["r_untrained"].notna().any())):
        left &= meets(table, criterion)
        lines.append((level, criterion, int(left.sum())))
    return pd.DataFrame(lines, columns=["level", "criterion", "n_left"])
