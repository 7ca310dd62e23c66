"""The estimator end to end: it finds planted genes, finds nothing if there is nothing, and says what it left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sequoia_stats.errors import InputError
from sequoia_stats.signature import LassoCoxSignature, validate
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort

PLANTED = {"G1": 1.2, "G2": -1.2, "G3": 0.9}
pytestmark = pytest.mark.needs_r


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=240, events=120, genes=30, seed=11, planted=PLANTED)


@pytest.fixture(scope="module")
def fitted(cohort):
    return LassoCoxSignature(seed=3, jobs=1).fit(cohort)


def with_gene(cohort, name, values):
    return replace(cohort, expression=cohort.expression.assign(**{name: values}))


def test_planted_genes_are_found_with_their_direction(fitted):
    found = dict(zip(fitted.signature_.genes, np.sign(fitted.signature_.coefficients), strict=True))
    assert {gene: found.get(gene) for gene in PLANTED} == {"G1": 1.0, "G2": -1.0, "G3": 1.0}


def test_the_largest_effects_are_the_planted_ones(fitted):
    assert set(fitted.signature_.to_frame()["gene"][:3]) == set(PLANTED)


def test_the_signature_predicts_fresh_patients_of_the_same_simulation(fitted):
    fresh = make_cohort(n=300, events=150, genes=30, seed=12, planted=PLANTED, prefix="F")
    assert validate(fitted.signature_, fresh, bootstrap=0).c_index > 0.7


@pytest.mark.slow
def test_with_permuted_outcomes_the_mean_c_on_fresh_patients_is_a_half():
    cohort = make_cohort(n=120, events=60, genes=15, seed=21, planted=PLANTED)
    fresh = make_cohort(n=200, events=100, genes=15, seed=22, planted=PLANTED, prefix="F")
    generator = np.random.default_rng(0)

    def c_index(order, seed):
        outcome = replace(cohort.outcome[order], patients=cohort.patients)
        shuffled = replace(cohort, outcome=outcome)
        signature = LassoCoxSignature(seed=seed, jobs=1, lambda_min_ratio=0.05).fit(shuffled).signature_
        return validate(signature, fresh, bootstrap=0).c_index

    values = [c_index(generator.permutation(cohort.n), seed) for seed in range(50)]
    assert 0.48 <= np.mean(values) <= 0.52


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(cohort, fitted, tmp_path):
    again = LassoCoxSignature(seed=3, jobs=2).fit(cohort)
    fitted.signature_.save(tmp_path / "a.json")
    again.signature_.save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_the_cutoff_is_the_median_score_of_the_training_cohort(cohort, fitted):
    assert fitted.signature_.cutoff == np.median(validate(fitted.signature_, cohort).scores["risk_score"])


def test_the_solution_meets_the_optimality_conditions(fitted):
    assert fitted.kkt_residual_ == fitted.signature_.selection["kkt_residual"] < 1e-2


def test_folds_that_are_given_replace_the_draw(cohort):
    foldid = pd.Series(np.arange(cohort.n) % 4 + 1, index=cohort.patients[::-1])
    fitted = LassoCoxSignature(foldid=foldid, jobs=1).fit(cohort)
    assert (fitted.cv_.n_folds, fitted.cv_.repeats) == (4, 1)


def test_folds_that_lack_a_patient_name_it(cohort):
    foldid = pd.Series(np.arange(cohort.n) % 4 + 1, index=cohort.patients).drop("P7")
    with pytest.raises(InputError, match="no fold for 1 of 240") as caught:
        LassoCoxSignature(foldid=foldid).fit(cohort)
    assert caught.value.where == "P7"


def test_a_penalty_that_is_given_is_used_without_cross_validation(cohort):
    fitted = LassoCoxSignature(lambda_=0.05).fit(cohort)
    assert fitted.cv_ is None and fitted.signature_.selection["lambda_min_ratio"] is None
    assert fitted.signature_.selection["lambda"] == pytest.approx(0.05)
    assert fitted.kkt_residual_ < 1e-2


def test_a_penalty_above_the_largest_useful_one_gives_the_null_model(cohort):
    assert LassoCoxSignature(lambda_=50.0).fit(cohort).signature_.is_null


def test_lambda_1se_chooses_no_more_genes_than_lambda_min(cohort, fitted):
    sparse = LassoCoxSignature(seed=3, lambda_="1se", jobs=1).fit(cohort)
    assert len(sparse.signature_.genes) <= len(fitted.signature_.genes)


def test_constant_genes_and_genes_with_missing_values_are_dropped_and_counted(cohort):
    spoilt = with_gene(
        with_gene(cohort, "FLAT", 1.0), "HOLES", cohort.expression["G1"].where(cohort.outcome.event)
    )
    fitted = LassoCoxSignature(seed=3, jobs=1).fit(spoilt)
    assert not {"FLAT", "HOLES"} & set(fitted.genes_)
    steps = fitted.flow_.set_index("step")[["n_before", "n_after"]].to_numpy().tolist()
    assert steps == [[32, 31], [31, 30]]
    assert fitted.flow_["reason"].tolist() == ["HOLES", "FLAT"]


@pytest.mark.parametrize(("value", "words"), [(1.0, "30 constant"), (np.nan, "30 with missing")])
def test_a_cohort_without_a_usable_gene_is_refused(cohort, value, words):
    with pytest.raises(InputError, match=words):
        LassoCoxSignature().fit(replace(cohort, expression=cohort.expression * 0 + value))


def test_candidates_limit_the_genes_and_are_counted(cohort):
    fitted = LassoCoxSignature(genes=["G1", "G2", "G5", "NOT_THERE"], jobs=1).fit(cohort)
    assert list(fitted.genes_) == ["G1", "G2", "G5"]
    *counts, reason = fitted.flow_.iloc[-1]
    assert counts == ["genes: candidates", 30, 3]
    assert reason == "among the 4 candidates; not in the cohort: NOT_THERE"


@pytest.mark.parametrize("events", [0, 1])
def test_a_cohort_with_fewer_than_two_events_is_refused(cohort, events):
    outcome = Outcome(cohort.outcome.time, np.arange(cohort.n) < events, "RFS")
    with pytest.raises(InputError, match=f"has {events} event"):
        LassoCoxSignature().fit(replace(cohort, outcome=outcome))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("lambda_", rule) for rule in ("mim", -1.0, 0.0, float("nan"))),
        *(("alpha", alpha) for alpha in (0.0, 1.1, float("nan"))),
        *(("lambda_min_ratio", ratio) for ratio in (0.0, 1.0)),
        *(("folds", folds) for folds in (2, 5.0)),
        ("repeats", 0),
        ("seed", -1),
        ("jobs", 0),
        ("engine", "glmnt"),
        ("transform", "ranks"),
    ],
)
def test_a_parameter_beyond_its_limit_is_refused_by_fit(cohort, name, value):
    model = LassoCoxSignature(**{name: value})
    with pytest.raises(InputError, match=name.rstrip("_")):
        model.fit(cohort)


def test_a_clone_has_the_same_parameters_and_no_fit(cohort, fitted):
    model = LassoCoxSignature(alpha=0.5, lambda_="1se", genes=["G1", "G2"], foldid={"P1": 1}, jobs=1)
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(fitted), "signature_")


def test_parameters_are_changed_by_name_and_checked_by_fit(cohort):
    model = LassoCoxSignature(seed=3).set_params(alpha=7, seed=4)
    assert (model.alpha, model.get_params()["seed"]) == (7, 4)
    with pytest.raises(InputError, match="alpha must be"):
        model.fit(cohort)


def test_a_parameter_that_does_not_exist_is_refused_with_the_choices():
    with pytest.raises(InputError, match="'lambda' is not a valid parameter") as caught:
        LassoCoxSignature().set_params(**{"lambda": 0.1})
    assert "lambda_" in caught.value.fix


def test_progress_sees_every_path_of_the_fit(cohort):
    seen = []
    LassoCoxSignature(folds=3, jobs=1).fit(
        cohort, progress=lambda paths, total: (seen.append(total) or path for path in paths)
    )
    assert seen == [4] * 4


def test_log2_of_negative_expression_is_refused(cohort):
    with pytest.raises(InputError, match="the log2 transform does not suit 30 of 30 genes"):
        LassoCoxSignature(transform="log2").fit(cohort)


def test_an_anndata_is_taken_as_a_cohort(cohort, fitted):
    again = LassoCoxSignature(seed=3, jobs=1).fit(cohort.adata)
    assert again.signature_.coefficients == fitted.signature_.coefficients


def test_the_order_of_genes_does_not_change_the_training_hash(cohort, fitted):
    turned = replace(cohort, expression=cohort.expression.iloc[:, ::-1], units=pd.Series(dtype=object))
    assert turned.sha256() == fitted.signature_.training["sha256"]
