"""Old cross-validation results of the published code: pickles, read without running any code in them."""

from sequoia_model.legacy.results import read_results, tested_slides, write_results

__all__ = ["read_results", "tested_slides", "write_results"]
