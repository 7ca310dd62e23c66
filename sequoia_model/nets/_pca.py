"""A principal component analysis in front of a network: features become the few directions in which they vary most.

It is fitted before the training, and the training does not change it: it ships with the weights as two more tensors,
``pca.mean`` and ``pca.components``. Networks of few parameters learn from it what they need of long feature vectors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sequoia_model.errors import InputError


class PCA(nn.Module):
    """Projects features onto principal components.

    Parameters
    ----------
    mean : Tensor of shape (D,)
        Mean of the features that it was fitted to.
    components : Tensor of shape (D, d)
        The directions, one per column.

    Raises
    ------
    InputError
        If the shapes do not fit each other, or a value is not finite.
    """

    mean: Tensor
    components: Tensor

    def __init__(self, mean: Tensor, components: Tensor) -> None:
        super().__init__()
        if mean.ndim != 1 or components.ndim != 2 or len(components) != len(mean):
            raise InputError(
                f"a PCA needs a mean of shape (D,) and components of shape (D, d), but has {tuple(mean.shape)} and "
                f"{tuple(components.shape)}"
            )
        if not mean.is_meta and not (torch.isfinite(mean).all() and torch.isfinite(components).all()):
            raise InputError("the mean or the components of a PCA hold NaN or infinite values")
        self.register_buffer("mean", mean)
        self.register_buffer("components", components)

    def forward(self, x: Tensor) -> Tensor:
        """(…, D) → (…, d)."""
        return (x - self.mean) @ self.components
