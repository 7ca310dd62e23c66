"""Train the recurrence signature: read the cohort, fit, save."""

from __future__ import annotations

from pathlib import Path

from _shared import arguments, candidates, load, progress, save_table, say

from sequoia_stats import LassoCoxSignature


def main() -> None:
    """Write the signature, its cross-validation, its coefficients and the ledger of its cohort."""
    options = arguments("signature", "Train the recurrence signature.", ("jobs", int))
    settings, results = options.settings, options.results
    cohort = load(settings["cohort"], settings["endpoint"])
    genes = candidates(settings["cohort"], settings["shared_with"], settings["endpoint"])
    say(f"training on {cohort.n} patients, {cohort.n_events} events, {len(genes)} candidate genes")
    model = LassoCoxSignature(
        alpha=settings["alpha"],
        folds=settings["folds"],
        repeats=settings["repeats"],
        seed=settings["seed"],
        lambda_=settings["lambda"],
        lambda_min_ratio=settings["lambda_min_ratio"],
        genes=genes,
        transform=settings["transform"],
        jobs=options.jobs,
    ).fit(cohort, progress=progress)
    say(f"{len(model.signature_.genes)} genes chosen")
    save(model, results)


def save(model: LassoCoxSignature, results: Path) -> None:
    """Write the result of a fit."""
    results.mkdir(parents=True, exist_ok=True)
    save_table(model.cv_.to_frame(), results / "cv_curve.csv")
    save_table(model.cv_.draws, results / "cv_draws.csv")
    save_table(model.signature_.to_frame(), results / "coefficients.csv")
    save_table(model.flow_, results / "flow_signature.csv")
    model.signature_.save(results / "signature.json")


if __name__ == "__main__":
    main()
