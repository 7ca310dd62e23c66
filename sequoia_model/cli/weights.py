"""``sequoia-model weights``: what is in a folder of weights, or in weights on the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Json
from sequoia_base.cli.output import show as show_result
from sequoia_model.errors import counted

if TYPE_CHECKING:
    from sequoia_model.splits import Splits
    from sequoia_model.weights.loading import Weights

app = typer.Typer(help="Inspect weights.", no_args_is_help=True)


@app.command()
def show(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DIR|hub:ORG/NAME",
            help="One file of weights, a folder of weights or of folds, or weights on the hub, such as "
            "hub:gevaertlab/sequoia-brca.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Show folds, architecture, sizes, encoder, splits, unit and digests."""
    from sequoia_model.weights.loading import load_weights

    weights = load_weights(source)
    show_result(_text(weights), _content(weights), as_json)


def _content(weights: Weights) -> dict[str, Any]:
    splits = weights.splits
    return {
        "source": weights.source,
        "architecture": weights.architecture,
        "sizes": weights.networks[0].sizes,
        "pca": weights.networks[0].config.get("pca"),
        "folds": list(weights.folds),
        "n_parameters": weights.n_parameters,
        "n_genes": weights.n_genes,
        "genes_named": weights.genes is not None,
        "input_dim": weights.input_dim,
        "n_clusters": weights.n_clusters,
        "encoder": weights.encoder,
        "cancer": weights.cancer,
        "splits": None if splits is None else splits.name,
        "n_patients_in_splits": None if splits is None else len(splits.roles),
        "units": weights.units,
        "digests": list(weights.digests),
        "notes": list(weights.notes),
    }


def _counts(splits: Splits) -> str:
    return f"{counted(len(splits.roles), 'patient')}, {counted(splits.n_folds, 'fold')}"


def _text(weights: Weights) -> str:
    """The same as text, one line each."""
    from sequoia_model.weights.gene_lists import published_genes

    if weights.genes:
        named = "named by the side file"
    else:
        named = (
            "the published list" if weights.n_genes == len(published_genes()) else "not named: give --genes"
        )
    cancer = (
        f"{weights.cancer}: its published splits apply" if weights.cancer else "not one with published splits"
    )
    network, splits = weights.networks[0], weights.splits
    lines = [
        ("architecture", weights.architecture),
        ("sizes", ", ".join(f"{word} {value}" for word, value in network.sizes.items())),
        *([("PCA", f"of {network.input_dim}-d features to {network.token_dim}")] if network.pca else []),
        ("parameters", f"{weights.n_parameters:,} per network"),
        ("takes", f"{weights.n_clusters} cluster means of {weights.input_dim}-d features"),
        ("encoder", weights.encoder or "not known: give --encoder"),
        ("genes", f"{weights.n_genes:,}, {named}"),
        ("cancer", cancer),
        *([("splits", f"{splits.name}: {_counts(splits)}")] if splits else []),
        ("predict", weights.units),
        *(
            (f"fold {fold}", f"sha256 {each}")
            for fold, each in zip(weights.folds, weights.digests, strict=True)
        ),
        *(("note", note) for note in weights.notes),
    ]
    return "\n".join([weights.source, *(f"  {word:<13} {text}" for word, text in lines)])
