"""Recipes: when training saves a network, and when it stops.

All follow the two phases of the paper (Pizurica et al. 2024, Nature Communications 15). Phase 1 saves the network at
each new best MSE of the validation part. After 20 epochs without one, phase 2 saves it at each new best correlation. It
ends if the correlation has not improved for 20 epochs, or if the MSE is 0.5 or more above the best. The text leaves
some questions open, and the published code answers them in its own way; `Recipe` names every answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sequoia_model.errors import InputError

#: Epochs without a new best after which a criterion is stale.
PATIENCE = 20
#: How far the MSE may rise above the best one in phase 2.
MARGIN = 0.5


@dataclass(frozen=True)
class Recipe:
    """The answers to what the two phases leave open.

    Parameters
    ----------
    name : str
        Its name for ``--recipe``.
    averaged_over : {"validation", "batches"}
        MSE and correlation are those of the whole validation part, or means over its batches.
    compared_with : {"all epochs", "saved network"}
        Phase 2 saves a network whose correlation is above that of all epochs, or of the network that is saved.
    margin : {"at once", "after patience"}
        An MSE above the margin ends training at once and is never saved; or only after 20 such epochs, in which
        networks are still saved.
    exactly : bool
        Whether only a count of exactly 20 stale epochs has an effect, so that a correlation that was stale for
        longer when phase 2 began does not end it.
    evaluated : {"saved", "last"}
        Which network is evaluated and kept: the one saved last, or that of the last epoch.
    standardised : bool
        Whether every gene is scaled to mean 0 and standard deviation 1 over the training patients' slides. The scale is
        folded into the head afterwards. The head's bias starts at the training mean, which is then 0.
    """

    name: str
    averaged_over: Literal["validation", "batches"]
    compared_with: Literal["all epochs", "saved network"]
    margin: Literal["at once", "after patience"]
    exactly: bool
    evaluated: Literal["saved", "last"]
    standardised: bool


#: By name. In none of them does an MSE that improves in phase 2 save the network or bring phase 1 back: it only lowers
#: the best MSE, from which the margin counts.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("paper", "validation", "all epochs", "at once", False, "saved", False),
        Recipe("published-code", "batches", "all epochs", "after patience", True, "last", False),
        Recipe("strict", "validation", "saved network", "at once", False, "saved", True),
    )
}


def recipe_named(name: str) -> Recipe:
    """The recipe of this name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in RECIPES:
        raise InputError(f"{name!r} is not a valid recipe", fix=f"--recipe {'|'.join(RECIPES)}")
    return RECIPES[name]


@dataclass(frozen=True)
class Verdict:
    """What follows from an epoch.

    Parameters
    ----------
    phase : int
        1 or 2, after this epoch.
    save : bool
        Whether the network is saved.
    stop : str
        Why training ends; empty if it goes on.
    """

    phase: int
    save: bool
    stop: str = ""


@dataclass
class Stopping:
    """The state of the two phases, told of one epoch after the other.

    Parameters
    ----------
    recipe : Recipe
        The answers to what the phases leave open.
    phase : int
        1 or 2.
    best_mse, best_r : float
        The best so far; in the published code, a correlation must be above 0.
    saved_r : float
        The correlation of the network that is saved.
    stale_mse, stale_r : int
        Epochs since then.
    above : int
        Epochs in a row with an MSE above the margin.
    """

    recipe: Recipe
    phase: int = 1
    best_mse: float = math.inf
    best_r: float = -math.inf
    saved_r: float = -math.inf
    stale_mse: int = 0
    stale_r: int = 0
    above: int = 0

    def __post_init__(self) -> None:
        if self.recipe.name == "published-code":
            self.best_r = max(self.best_r, 0.0)

    def step(self, mse: float, r: float) -> Verdict:
        """Take note of an epoch.

        Parameters
        ----------
        mse : float
            Mean squared error of the validation part.
        r : float
            Mean over the genes of the correlation in the validation part.
        """
        within = mse < self.best_mse + MARGIN
        if self.phase == 2:
            self.above = 0 if within else self.above + 1
        better = mse < self.best_mse
        self.stale_mse = 0 if better else self.stale_mse + 1
        self.best_mse = min(mse, self.best_mse)
        save = self._saves(better, r, within)
        self.saved_r = r if save else self.saved_r
        self.stale_r = 0 if r > self.best_r else self.stale_r + 1
        self.best_r = r if r > self.best_r else self.best_r  # an undefined one is never the best
        if self._stale(self.stale_mse):
            self.phase = 2
        return Verdict(self.phase, save, self._reason(within) if self.phase == 2 else "")

    def _saves(self, better: bool, r: float, within: bool) -> bool:
        if self.phase == 1:
            return better
        known = self.best_r if self.recipe.compared_with == "all epochs" else self.saved_r
        return r > known and (within or self.recipe.margin == "after patience")

    def _stale(self, epochs: int) -> bool:
        return epochs == PATIENCE if self.recipe.exactly else epochs >= PATIENCE

    def _reason(self, within: bool) -> str:
        if self._stale(self.stale_r):
            return f"no better correlation for {self.stale_r} epochs"
        if self.recipe.margin == "at once" and not within:
            return f"MSE {MARGIN} or more above the best"
        if self._stale(self.above):
            return f"MSE {MARGIN} or more above the best for {self.above} epochs"
        return ""
