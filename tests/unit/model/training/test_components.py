"""Principal components of cluster means: against a decomposition of all rows, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.training.principal_components import fit_components, refuse_few


def make_inputs(slides: int = 12, clusters: int = 7, d: int = 9, seed: int = 0) -> np.ndarray:
    """Cluster means with axes of different variance, away from zero."""
    generator = np.random.default_rng(seed)
    return (3 + generator.normal(size=(slides, clusters, d)) * np.arange(1, d + 1)).astype(np.float32)


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    inputs, rows = make_inputs(), np.array([0, 2, 3, 5, 8])
    fitted = fit_components(inputs, rows, 4)
    flat = inputs[rows].reshape(-1, 9).astype(np.float64)
    axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2][:4].T
    directions = fitted.components / np.linalg.norm(fitted.components, axis=0)
    np.testing.assert_allclose(np.abs(np.einsum("dk,dk->k", directions, axes)), 1, atol=1e-6)


def test_projected_values_have_a_mean_of_0_and_a_mean_variance_of_1() -> None:
    inputs, rows = make_inputs(), np.arange(9)
    projected = fit_components(inputs, rows, 4).apply(inputs)[rows].reshape(-1, 4)
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-5)
    assert projected.var(axis=0).mean() == pytest.approx(1, rel=1e-5)
    assert (np.diff(projected.var(axis=0)) < 0).all()


def test_the_largest_entry_of_each_component_is_positive() -> None:
    components = fit_components(make_inputs(seed=4), np.arange(12), 5).components
    assert (components[np.abs(components).argmax(axis=0), np.arange(5)] > 0).all()


def test_slides_that_do_not_train_have_no_influence() -> None:
    inputs, rows = make_inputs(), np.array([1, 2, 4, 6])
    changed = inputs.copy()
    changed[[0, 3, 5]] = 1e6
    one, other = fit_components(inputs, rows, 3), fit_components(changed, rows, 3)
    np.testing.assert_array_equal(one.components, other.components)
    np.testing.assert_array_equal(one.mean, other.mean)


def test_more_components_than_dimensions_are_refused() -> None:
    with pytest.raises(
        InputError, match="128 principal components cannot be fitted on 84 cluster means of 9 dimensions"
    ):
        fit_components(make_inputs(), np.arange(12), 128)


def test_more_slides_are_no_way_out_where_dimensions_lack():
    inputs = np.zeros((3, 4, 32), dtype=np.float32)
    with pytest.raises(InputError) as few_dimensions:
        refuse_few(inputs, np.arange(3), 33)
    with pytest.raises(InputError) as few_slides:
        refuse_few(inputs, np.arange(3), 20)
    assert few_dimensions.value.fix == "--size full" and "more training slides" in few_slides.value.fix
