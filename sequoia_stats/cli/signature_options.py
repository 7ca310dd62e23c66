"""Options that commands of ``sequoia-stats signature`` share: how scores are scaled, and who may be scored."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sequoia_base.cli.output import located

if TYPE_CHECKING:
    from sequoia_stats.signature import ScaleReference, Signature


class ScaleChoice(StrEnum):
    """Where the transform is computed."""

    cohort = "cohort"
    training = "training"


ScaleOption = Annotated[
    ScaleChoice,
    typer.Option(
        help="Compute the transform within this cohort, or with the parameters of the training cohort, which must be "
        "of the same platform. The scale of the cohort is wrong for a selected case-mix, a subgroup (its own mean "
        "becomes the middle) or one patient: use --reference; and for pooled studies: use --scale-within."
    ),
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(
        metavar="COHORT|FILE",
        help="Take the parameters of the transform from a fixed cohort of the same platform as the patients, 20 "
        "patients or more, or from a file of --save-reference. Then one patient can be scored.",
    ),
]
WithinOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Compute the transform within each study of a pooled cohort: the covariate (column of obs) that names the "
        "study. Each study needs 20 patients.",
    ),
]
WeightOption = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="Largest share of the weight that may be lost with missing genes, 0 to 1."
    ),
]
AllowOverlap = Annotated[
    bool,
    typer.Option(
        "--allow-overlap",
        help="Accept patients that the signature was trained on, and count them: their scores look better than those "
        "of new patients.",
    ),
]


def open_scale(
    source: str | None,
    signature: Signature,
    scale: ScaleChoice,
    scale_within: str | None,
    genes_in: str = "columns",
) -> ScaleReference | str | None:
    """The frozen reference that a file or a cohort gives; the source itself if the score does not need it."""
    from sequoia_stats.signature.reference import open_reference
    from sequoia_stats.signature.scoring import refuse_combinations

    refuse_combinations(scale.value, source, scale_within)
    if source is None or signature.is_null or not signature.transform.depends_on_cohort:
        return source
    with located(source):
        return open_reference(source, signature.genes, signature.transform.name, genes_in=genes_in)
