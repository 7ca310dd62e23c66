"""Recipes: when training saves a network, and when it stops.

The paper has two phases (Pizurica et al. 2024, Nature Communications 15). Phase 1 saves the network at each new best
MSE of the validation part. After 20 epochs without one, phase 2 saves it at each new best correlation. It ends if the
correlation has not improved for 20 epochs, or if the MSE is 0.5 or more above the best. The text leaves some questions
open, and the published code answers them in its own way; `Recipe` names every answer. "strict" has one criterion: the
network with the best correlation is kept, and training stops after 20 epochs without a better one.
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
    """How training saves and stops: the answers to what the two phases leave open, or one criterion.

    Parameters
    ----------
    name : str
        Its name for ``--recipe``.
    two_phases : bool
        Whether there are the two phases of the paper; otherwise the correlation alone decides.
    averaged_over : {"validation", "batches"}
        MSE and correlation are those of the whole validation part, or means over its batches.
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
    two_phases: bool
    averaged_over: Literal["validation", "batches"]
    margin: Literal["at once", "after patience"]
    exactly: bool
    evaluated: Literal["saved", "last"]
    standardised: bool


#: By name. In both readings of the two phases, a correlation in phase 2 is compared with the best of all epochs, not of
#: those since the saved network. An MSE that improves in phase 2 neither saves the network nor brings phase 1 back: it
#: only lowers the best MSE, from which the margin counts.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("paper", True, "validation", "at once", False, "saved", False),
        Recipe("published-code", True, "batches", "after patience", True, "last", False),
        Recipe("strict", False, "validation", "at once", False, "saved", True),
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
    """The state of saving and stopping, told of one epoch after the other.

    Parameters
    ----------
    recipe : Recipe
        The answers to what the phases leave open.
    phase : int
        1 or 2.
    best_mse, best_r : float
        The best so far; in the published code, a correlation must be above 0.
    stale_mse, stale_r : int
        Epochs since then.
    above : int
        Epochs in a row with an MSE above the margin.
    """

    recipe: Recipe
    phase: int = 1
    best_mse: float = math.inf
    best_r: float = -math.inf
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
        save = self._note_phases(mse, r) if self.recipe.two_phases else r > self.best_r
        self.stale_r = 0 if r > self.best_r else self.stale_r + 1
        self.best_r = r if r > self.best_r else self.best_r  # an undefined one is never the best
        if not self.recipe.two_phases:
            return Verdict(1, save, self._stale_correlation())
        if self._stale(self.stale_mse):
            self.phase = 2
        far = mse >= self.best_mse + MARGIN
        return Verdict(self.phase, save, self._reason(far) if self.phase == 2 else "")

    def _note_phases(self, mse: float, r: float) -> bool:
        """Take note of the MSE; returns whether the network is saved."""
        far, better = mse >= self.best_mse + MARGIN, mse < self.best_mse
        if self.phase == 2:
            self.above = self.above + 1 if far else 0
        self.stale_mse = 0 if better else self.stale_mse + 1
        self.best_mse = min(mse, self.best_mse)
        if self.phase == 1:
            return better
        return r > self.best_r and (not far or self.recipe.margin == "after patience")

    def _stale(self, epochs: int) -> bool:
        return epochs == PATIENCE if self.recipe.exactly else epochs >= PATIENCE

    def _stale_correlation(self) -> str:
        return f"no better correlation for {self.stale_r} epochs" if self._stale(self.stale_r) else ""

    def _reason(self, far: bool) -> str:
        if stale := self._stale_correlation():
            return stale
        if self.recipe.margin == "at once" and far:
            return f"MSE {MARGIN} or more above the best"
        if self._stale(self.above):
            return f"MSE {MARGIN} or more above the best for {self.above} epochs"
        return ""
