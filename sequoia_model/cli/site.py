"""``sequoia-model site``: how well features tell the site that a slide comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show, write_csv

#: Files that the command writes; a folder with any other file is never replaced.
SITE_FILES = ("site.csv", "site.json")


def site(
    features: Annotated[
        list[Path], typer.Argument(metavar="FEATURES|FOLDER", help="Feature files, or folders of them.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    patients: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the column patient_id, and slide and site if known.  [default: TCGA barcodes]"
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option("--site", metavar="COLUMN", help="Column of --patients that holds the site.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the features, if their files do not name it.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Number of folds; sites with fewer patients are left out.")] = 5,
    permutations: Annotated[int, typer.Option(help="How often sites are shuffled for p; 0 for none.")] = 199,
    seed: Annotated[int, typer.Option(help="Random seed, 0 or more.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Number of threads that read features.")] = 1,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Tell the site of patients from their mean features, by cross-validation.

    If this works, a network may have learnt the hospital in place of the biology: keep sites whole (splits --sites).
    """
    import json

    from sequoia_base.atomic import new_folder, refuse_existing, write_text
    from sequoia_base.results import jsonable
    from sequoia_model.leakage import site_signal

    inputs = [*features, *([patients] if patients else [])]
    refuse_existing(output, force=force, files=SITE_FILES, inputs=inputs)
    result = site_signal(
        features, patients=patients, site=column, encoder=encoder, n_folds=folds, permutations=permutations,
        seed=seed, jobs=jobs, progress=progress("features"),
    )  # fmt: skip
    content = {
        **result.to_dict(), "per_site": jsonable(result.per_site), "flow": jsonable(result.flow)
    }  # fmt: skip
    with new_folder(output) as folder:
        write_csv(result.per_site, folder / "site.csv")
        write_text(folder / "site.json", json.dumps(content, indent=1, allow_nan=False) + "\n")
    for line in ledger(result.flow):
        say(line)
    show(str(result), {"output": str(output), **content}, as_json)
    say(f"written to {output}")
