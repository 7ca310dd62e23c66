"""What a cross-validation has shown, in numbers and in words."""

from sequoia_model.training.summary._result import Summary
from sequoia_model.training.summary.summarising import CrossValidated, summarise

__all__ = ["CrossValidated", "Summary", "summarise"]
