"""The types of the package: outcomes, cohorts, expression, predictions, gene symbols."""
