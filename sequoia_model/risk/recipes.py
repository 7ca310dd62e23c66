"""Recipes: which epoch of a network that learns risk counts, and when training stops.

"strict" computes the loss of all validation patients after each epoch, keeps the network of the best one, and stops
after 10 epochs without a better one. A network that learns risk has learnt what it can after a few epochs and then
learns the training patients by heart. "paper" (Pizurica et al. 2024, Nature Communications 15) trains for the given
number of epochs, 50 there, and takes the last one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sequoia_model.training.recipes import Verdict

#: Epochs without a better validation loss after which training stops.
RISK_PATIENCE = 10


@dataclass(frozen=True)
class RiskRecipe:
    """Which epoch counts.

    Parameters
    ----------
    name : str
        Its name for ``--recipe``.
    stops : bool
        Whether the validation loss decides: the best epoch counts, and training stops. Otherwise the last one counts.
    """

    name: str
    stops: bool


RISK_RECIPES = {recipe.name: recipe for recipe in (RiskRecipe("strict", True), RiskRecipe("paper", False))}


@dataclass
class LossStopping:
    """The state of saving and stopping by the validation loss, told of one epoch after the other.

    Parameters
    ----------
    recipe : RiskRecipe
        Whether the loss decides.
    best : float
        The best loss so far.
    stale : int
        Epochs since then.
    """

    recipe: RiskRecipe
    best: float = math.inf
    stale: int = 0

    def step(self, loss: float) -> Verdict:
        """Take note of the validation loss of an epoch."""
        better = loss < self.best
        self.best, self.stale = min(loss, self.best), 0 if better else self.stale + 1
        if not self.recipe.stops:
            return Verdict(1, False)
        stale = self.stale >= RISK_PATIENCE
        return Verdict(1, better, f"no better validation loss for {self.stale} epochs" if stale else "")
