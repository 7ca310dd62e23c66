"""The loss from which a network learns risk: minus the log partial likelihood of Cox, in float64."""

from __future__ import annotations

import torch
from numpy.typing import NDArray
from torch import Tensor

from sequoia_base.arguments import check_limits, one_of
from sequoia_model.errors import InputError

#: How events at the same time are treated.
TIES = ("efron", "breslow")


def cox_loss(
    log_hazard: Tensor, time: Tensor | NDArray, event: Tensor | NDArray, *, ties: str = "efron"
) -> Tensor:
    r"""Minus the log partial likelihood, divided by the number of events.

    With :math:`S_k` the sum of :math:`e^\eta` over the patients at risk at the k-th event time and :math:`T_k` the sum
    over the :math:`d_k` of them who have the event then, :math:`\ell = \sum_{d_i = 1} \eta_i - \sum_k
    \sum_{l=0}^{d_k-1} \log(S_k - \frac{l}{d_k} T_k)` (Efron 1977), or with :math:`\log S_k` in place of each of these
    logarithms (Breslow 1974). At one time, events come before censorings. Reference: ``survival::coxph(init = ,
    iter.max = 0)$loglik``. The maximum is subtracted before each exponential, so that no log-hazard is too large.
    All of it is computed on the CPU: these are few numbers, some devices have no float64, and others add in any order.

    Parameters
    ----------
    log_hazard : tensor of shape (n,) or (n, 1)
        What the network says of each patient; higher means an earlier event. Its order, and a constant added to it,
        change nothing.
    time : tensor on the CPU, or array, of shape (n,)
        Times are tied where they are equal: see `sequoia_base.tied_times`.
    event : tensor on the CPU, or array, of shape (n,), bool
        Whether the event was seen.
    ties : {"efron", "breslow"}
        How events at the same time are treated.

    Returns
    -------
    tensor of shape (), float64, on the CPU
        Without events 0, with a gradient of zeros.

    Raises
    ------
    InputError
        If the shapes differ, or the name of `ties` is not known.

    Examples
    --------
    >>> cox_loss(torch.zeros(3), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, True, False]))  # log(3 · 2) / 2
    tensor(0.8959, dtype=torch.float64)
    """
    check_limits({"ties": ties}, {"ties": one_of(TIES)})
    eta = log_hazard.reshape(-1).cpu().double()
    time, event = torch.as_tensor(time), torch.as_tensor(event, dtype=torch.bool)
    if not eta.shape == time.shape == event.shape:
        raise InputError(
            f"log-hazards, times and events differ in shape: {tuple(eta.shape)}, {tuple(time.shape)}, "
            f"{tuple(event.shape)}"
        )
    failing = eta[event]
    if not len(failing):
        return eta[:0].sum()  # of nothing: its gradient is zero even where a log-hazard is not finite
    times, at = torch.unique(time, return_inverse=True)
    event_times, tied, count = torch.unique(at[event], return_inverse=True, return_counts=True)
    log_risk = _log_sums(eta, at, len(times)).flip(0).logcumsumexp(0).flip(0)[event_times]
    which = torch.repeat_interleave(count)  # the event time of each term
    terms = log_risk[which]
    if ties == "efron" and len(which) > len(count):
        earlier = torch.arange(len(which)) - (count.cumsum(0) - count)[which]
        share = earlier.double() / count[which]  # integers alone would divide in float32
        log_tied = _log_sums(failing, tied, len(count))
        terms = terms + torch.log1p(-share * torch.exp(log_tied - log_risk)[which])
    return (terms.sum() - failing.sum()) / len(failing)


def _log_sums(values: Tensor, group: Tensor, n: int) -> Tensor:
    """Log of the sum of exp(value) in each of n groups, of which none is empty."""
    top = torch.full((n,), -torch.inf, dtype=values.dtype).scatter_reduce(0, group, values.detach(), "amax")
    sums = torch.zeros_like(top).index_add(0, group, torch.exp(values - top[group]))
    return top + torch.log(sums)
