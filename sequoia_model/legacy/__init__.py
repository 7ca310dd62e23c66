"""Old cross-validation results, pickles of the published code, read without running what a pickle may hold."""

from sequoia_model.legacy.conversion import read_results, write_results

__all__ = ["read_results", "write_results"]
