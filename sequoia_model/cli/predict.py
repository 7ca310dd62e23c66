"""``sequoia-model predict``: the genes of slides from their features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show


def predict(
    features: Annotated[
        list[Path], typer.Argument(metavar="FEATURES|FOLDER", help="Feature files; folders in depth.")
    ],
    weights: Annotated[
        str, typer.Option(metavar="DIR|hub:ORG/NAME", help="Weights: one network, or a folder of folds.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The predictions to write (.h5ad).")],
    encoder: Annotated[
        str | None, typer.Option(help="The encoder, where files or weights do not name it.")
    ] = None,
    genes: Annotated[
        Path | None, typer.Option(help="Names of the outputs, where they are not the 20,820 published ones.")
    ] = None,
    patients: Annotated[
        Path | None, typer.Option(help="CSV with slide and patient_id.  [default: TCGA barcodes]")
    ] = None,
    measured: Annotated[
        Path | None, typer.Option(help="Reference table (wsi_file_name, patient_id, rna_*) or .h5ad.")
    ] = None,
    untrained: Annotated[
        int, typer.Option(min=0, help="Predictions by so many untrained networks, for comparison.")
    ] = 0,
    ensemble: Annotated[
        str, typer.Option(help="Networks of a patient of the published splits: held-out, or all.")
    ] = "held-out",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    jobs: Annotated[int, typer.Option(min=1, help="Threads that read and cluster.")] = 1,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Slides of a forward pass; the last digits may depend on it.")
    ] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Of the clusters and the untrained networks.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Predict log2(FPKM-UQ+1) of every gene, as mean and standard deviation over the folds.

    With published weights a patient of the published splits is predicted by its held-out fold alone.
    Exit code 3: some slides failed, and the rest is written.
    """
    from sequoia_model.inference import predict as run

    done = run(
        features, weights, output=output, encoder=encoder, genes=genes, patients=patients, measured=measured,
        untrained=untrained, ensemble=ensemble, device=device, jobs=jobs, batch_size=batch_size, seed=seed,
        force=force, progress=progress("predict"),
    )  # fmt: skip
    for failure in done.failed:
        say(f"failed: {failure.file}: {failure.reason}")
    for line in [*(f"warning: {text}" for text in done.warnings), *ledger(done.flow)]:
        say(line)
    show(str(done), done.to_dict(), as_json)
    say(f"written to {output}")
    return 3 if done.failed else 0
