"""What is known where the truth is planted: tables over draws and the coverage of intervals, kept in data/calibration.

`make calibrate` makes the draws first, with truths that the figures leave out.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from _shared import HERE, arguments, save_table, say
from interval_coverage import simulate_coverage
from risk_tables import by_epoch, by_route, read_draws, read_logs
from score_coverage import simulate_score_coverage

DATA = HERE / "data" / "calibration"


def main() -> None:
    """Write the tables of the draws in ``calibration/``, and of simulated cohorts, into ``data/calibration/``."""
    options = arguments("calibration", "Put the draws of the calibration together, and simulate coverage.")
    draws = range(options.settings["draws"])
    folders = [options.results / "calibration" / f"draw_{draw}" for draw in draws]
    DATA.mkdir(parents=True, exist_ok=True)
    save_draws(folders, options.settings["paper_draws"], DATA)
    save_coverage(DATA)


def save_draws(folders: list[Path], paper_draws: int, data: Path) -> None:
    """Write C by draw, by truth and route, and by epoch; the last over the draws that have both recipes."""
    draws = read_draws(folders)
    table = by_route(draws)
    save_table(draws, data / "risk_draws.csv")
    save_table(table, data / "risk.csv")
    save_table(by_epoch(read_logs(folders[:paper_draws])), data / "risk_epochs.csv")
    say(table.to_string(index=False, float_format="{:.3f}".format))


def save_coverage(data: Path) -> None:
    """Write the coverage of genes and scores of new patients, and how many genes have which."""
    genes, summary = simulate_coverage()
    save_table(summary, data / "coverage.csv")
    save_table(counted_genes(genes), data / "coverage_genes.csv")
    save_table(simulate_score_coverage(), data / "coverage_scores.csv")
    say(summary.to_string(index=False, float_format="{:.3f}".format))


def counted_genes(genes: pd.DataFrame) -> pd.DataFrame:
    """The number of genes with each coverage: ``n, coverage, genes``."""
    return genes.groupby(["n", "coverage"]).size().rename("genes").reset_index()


if __name__ == "__main__":
    main()
