"""The types that all rooms share: outcomes, cohorts, predictions, gene symbols."""
