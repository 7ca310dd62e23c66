"""`predict`: the content of the file, which does not depend on how the work is done."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError
from sequoia_model.prediction import ensemble, predict
from sequoia_model.targets.network_input import InputSpec, load_input
from sequoia_model.types.bag import EncoderId
from sequoia_model.weights.loading import load_weights
from sequoia_model.weights.loading import untrained as untrained_networks
from tests.build.features import write_ours
from tests.build.networks import BRCA_SLIDES, TOY_GENES, write_folds, write_network

NEW = ("A1", "B2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights of five folds, and features of five published patients and two new ones."""
    made = tmp_path_factory.mktemp("predict")
    write_folds(made / "weights")
    for i, slide in enumerate((*BRCA_SLIDES, *NEW)):
        write_ours(made / "features" / f"{slide}.h5", tiles=120, dim=32, seed=i)
    return made


@pytest.fixture(scope="module")
def weights(folder):
    return load_weights(folder / "weights")


def run(folder, weights, output, features=None, **options):
    """`predict`, and what it wrote."""
    options = {"genes": TOY_GENES} | options
    done = predict([features or folder / "features"], weights, output=output, **options)
    return done, anndata.read_h5ad(output)


def shifted(weights, by):
    """Networks that predict values larger by this much."""
    networks = [copy.deepcopy(network) for network in weights.networks]
    for network in networks:
        dict(network.named_parameters())["linear_head.1.bias"].data += by
    return replace(weights, networks=tuple(networks))


def means(folder, slides, seed=0):
    spec = InputSpec(32, 100, "uni", seed=seed)
    return np.stack([load_input(folder / "features" / f"{slide}.h5", spec).means for slide in slides])


def test_new_slides_are_the_mean_and_deviation_of_all_folds(tmp_path, folder, weights):
    _, adata = run(folder, weights, tmp_path / "p.h5ad")
    mean, spread = ensemble(means(folder, NEW), weights.networks)
    np.testing.assert_allclose(adata[list(NEW)].X, mean, atol=1e-6)
    np.testing.assert_allclose(adata[list(NEW)].layers["std"], spread, atol=1e-6)
    assert adata.obs.loc[list(NEW), "fold"].isna().all()
    assert (adata.obs.loc[list(NEW), "n_folds"] == 5).all()


def test_published_patients_are_predicted_by_their_held_out_fold_alone(tmp_path, folder, weights):
    done, adata = run(folder, weights, tmp_path / "p.h5ad")
    known = adata[list(BRCA_SLIDES)]
    expected = [ensemble(means(folder, [s]), [weights.networks[i]])[0][0] for i, s in enumerate(BRCA_SLIDES)]
    np.testing.assert_allclose(known.X, expected, atol=1e-6)
    assert known.obs["fold"].tolist() == [0, 1, 2, 3, 4]
    assert (known.obs["n_folds"] == 1).all() and (known.layers["std"] == 0).all()
    assert done.n_held_out == 5
    assert done.note == "slides: 5 by the held-out fold of their patient, 2 by the mean of 5 folds"


def test_all_networks_can_be_requested_with_a_warning_that_stays(tmp_path, folder, weights):
    done, adata = run(folder, weights, tmp_path / "p.h5ad", ensemble="all")
    mean, _ = ensemble(means(folder, adata.obs_names), weights.networks)
    np.testing.assert_allclose(adata.X, mean, atol=1e-6)
    assert adata.obs["fold"].isna().all() and done.n_held_out == 0
    assert "5 of 7 patients were used to train" in adata.uns["warnings"][0]
    assert adata.uns["ensemble"] == "all"


def test_another_name_for_the_patient_does_not_undo_the_hold_out(tmp_path, folder, weights):
    patients = {slide: f"hospital-{i}" for i, slide in enumerate((*BRCA_SLIDES, *NEW))}
    done, adata = run(folder, weights, tmp_path / "p.h5ad", patients=patients)
    assert done.n_held_out == 5
    assert adata.obs.loc[BRCA_SLIDES[3], "patient_id"] == "hospital-3"


def test_a_single_network_predicts_those_it_has_not_seen(tmp_path, folder):
    done, adata = run(folder, folder / "weights" / "sequoia-brca-3", tmp_path / "p.h5ad")
    assert sorted(adata.obs_names) == sorted([*NEW, BRCA_SLIDES[3]])
    assert adata.obs["fold"].dropna().tolist() == [3]
    assert (adata.layers["std"] == 0).all()
    assert len(done.failed) == 4 and "--ensemble all" in done.failed[0].reason


def test_rows_are_in_the_order_of_the_files(tmp_path, folder, weights):
    _, adata = run(folder, weights, tmp_path / "p.h5ad", jobs=3)
    assert adata.obs_names.tolist() == sorted([*BRCA_SLIDES, *NEW])


def test_the_number_of_threads_changes_no_byte(tmp_path, folder, weights):
    run(folder, weights, tmp_path / "a.h5ad", untrained=1)
    run(folder, weights, tmp_path / "b.h5ad", untrained=1, jobs=4)
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()


def test_the_size_of_batches_changes_nothing_that_matters(tmp_path, folder, weights):
    _, one = run(folder, weights, tmp_path / "a.h5ad", batch_size=1)
    _, many = run(folder, weights, tmp_path / "b.h5ad", batch_size=16)
    np.testing.assert_allclose(one.X, many.X, atol=1e-5)
    pd.testing.assert_frame_equal(one.obs, many.obs)


def test_the_seed_reaches_the_clusters(tmp_path, folder, weights):
    features = write_ours(tmp_path / "f" / "S.h5", tiles=600, dim=32)
    _, first = run(folder, weights, tmp_path / "a.h5ad", features)
    _, second = run(folder, weights, tmp_path / "b.h5ad", features, seed=1)
    assert not np.array_equal(first.X, second.X)


def test_untrained_networks_are_fresh_and_averaged_as_the_trained(tmp_path, folder, weights):
    _, adata = run(folder, weights, tmp_path / "p.h5ad", untrained=2, seed=5)
    fresh = untrained_networks(weights, 6)
    mean, _ = ensemble(means(folder, NEW, seed=5), fresh)
    held_out, _ = ensemble(means(folder, [BRCA_SLIDES[2]], seed=5), [fresh[2]])
    np.testing.assert_allclose(adata[list(NEW)].layers["untrained_1"], mean, atol=1e-6)
    np.testing.assert_allclose(adata[BRCA_SLIDES[2]].layers["untrained_1"], held_out, atol=1e-6)
    assert set(adata.layers) == {"std", "untrained", "untrained_1"}


def test_what_is_not_finite_fails_and_the_rest_is_written(tmp_path, folder, weights):
    features = np.full((120, 32), 3e38, dtype=np.float32)
    write_ours(
        tmp_path / "f" / "bad.h5", features=None, cluster_features=features[:100], coords=None, n_tiles=9
    )
    write_ours(tmp_path / "f" / "good.h5", tiles=120, dim=32)
    done, adata = run(folder, weights, tmp_path / "p.h5ad", tmp_path / "f")
    assert adata.obs_names.tolist() == ["good"]
    assert done.failed[0].item == "bad" and "genes are NaN or infinite: G1, G2, G3" in done.failed[0].reason


def test_an_error_that_nobody_foresaw_fails_one_slide_and_its_traceback_is_beside_the_output(
    monkeypatch, tmp_path, folder, weights
):
    def failing(path, spec):
        if path.stem == "A1":
            raise ZeroDivisionError("0")
        return load_input(path, spec)

    monkeypatch.setattr("sequoia_model.prediction.run.load_input", failing)
    done, adata = run(folder, weights, tmp_path / "p.h5ad", jobs=2)
    assert [failure.item for failure in done.failed] == ["A1"] and len(adata) == 6
    assert done.failed[0].what == "unforeseen error: ZeroDivisionError: 0"
    assert str(tmp_path / "p.log") in done.failed[0].fix and "in failing" in (tmp_path / "p.log").read_text()


def test_values_below_0_are_kept_and_counted(tmp_path, folder, weights):
    _, adata = run(folder, weights, tmp_path / "toy.h5ad")
    few = shifted(weights, -float(np.quantile(adata.X, 0.1)))
    done, adata = run(folder, replace(few, units="LOG2(fpkm-uq + 1)"), tmp_path / "p.h5ad")
    assert done.n_negative == adata.uns["n_negative"] == (adata.X < 0).sum() == 28
    assert "28 of 280 values are below 0" in str(done)
    assert adata.uns["units"] == done.units == "LOG2(fpkm-uq + 1)"


def test_the_file_says_what_it_holds(tmp_path, folder, weights):
    done, adata = run(folder, shifted(weights, 5), tmp_path / "p.h5ad")
    assert adata.uns["units"] == done.units == "log2(FPKM-UQ+1)"
    assert adata.uns["encoder"] == "uni" and not adata.uns["encoder_asserted"]
    assert adata.uns["weights"]["digests"].tolist() == list(weights.digests)
    assert adata.uns["weights"]["folds"].tolist() == [0, 1, 2, 3, 4]
    assert adata.var_names.tolist() == list(TOY_GENES) and adata.var_names.name == "gene"
    assert adata.obs["n_tiles"].tolist() == [120] * 7
    assert "cohort" not in adata.obs
    assert {"sequoia-histology", "torch", "numpy"} == set(adata.uns["versions"])


def test_features_that_do_not_fit_are_told_before_genes_are_asked_for(tmp_path, weights):
    path = write_ours(tmp_path / "f" / "S.h5", tiles=120, dim=16)
    with pytest.raises(InputError, match="have 16 columns, but the networks take 32") as error:
        predict([path], weights, output=tmp_path / "p.h5ad")
    assert str(path) in error.value.where
    write_ours(path, tiles=120, dim=32)
    with pytest.raises(InputError, match="have no names"):
        predict([path], weights, output=tmp_path / "p.h5ad")


def test_the_unit_is_that_of_the_weights(tmp_path, folder, weights):
    done, adata = run(folder, replace(weights, units="z-score"), tmp_path / "p.h5ad")
    assert adata.uns["units"] == done.units == "z-score" and "below 0" not in str(done)


def test_a_unit_that_nobody_states_is_not_made_up(tmp_path, folder, weights):
    done, adata = run(folder, replace(weights, units="not stated"), tmp_path / "p.h5ad")
    assert adata.uns["units"] == done.units == "not stated" and "a unit that is not stated" in str(done)
    assert any("do not state the unit" in warning for warning in done.warnings)


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (1000, "predictions reach 1e+03, which is not possible in"),
        (-5, "of the predictions are below 0, but no measured value in"),
        (-1000, "predictions fall to -1e+03, but no measured value in"),
        (0, "of the predictions are below 0, but no measured value in"),
    ],
)
@pytest.mark.parametrize("units", ["log2(FPKM-UQ+1)", " Log2( fpkm-uq + 1 )"])
def test_values_that_the_unit_cannot_have_are_not_given_it(tmp_path, folder, weights, by, words, units):
    done, adata = run(folder, replace(shifted(weights, by), units=units), tmp_path / "p.h5ad")
    assert adata.uns["units"] == done.units == "not stated"
    assert any(f"{words} {units}" in warning for warning in done.warnings)
    assert "no lower bound" not in str(done)


def test_slides_that_fail_are_counted_in_the_flow(tmp_path, folder, weights):
    write_ours(tmp_path / "f" / "a.h5", tiles=120, dim=32, encoder=EncoderId("resnet50"))
    write_ours(tmp_path / "f" / "b.h5", tiles=120, dim=32)
    done, adata = run(folder, weights, tmp_path / "p.h5ad", tmp_path / "f")
    assert done.flow.values.tolist() == [["slides: predicted", 2, 1, "1 failed: a"]]
    assert adata.uns["flow"]["n_after"].tolist() == [1]


def test_warnings_are_counted_with_names(tmp_path, folder, weights):
    write_ours(tmp_path / "f" / "a.h5", tiles=20, dim=32, encoder=None)
    write_ours(tmp_path / "f" / "b.h5", tiles=120, dim=32, mpp=0.25)
    done, adata = run(folder, shifted(weights, 5), tmp_path / "p.h5ad", tmp_path / "f", encoder="UNI")
    assert done.encoder_asserted and adata.uns["encoder_asserted"]
    assert done.n_few_tiles == 1
    assert adata.uns["warnings"].tolist() == list(done.warnings) == [
        "2 of 2 slides have no patient, so each counts as its own patient: a, b",
        "1 of 2 slides has features of uni only according to the user: a",
        "1 of 2 slides has fewer distinct tiles than the 100 clusters, so some clusters repeat a tile: a",
        "1 of 2 slides has tiles of another size, scale or overlap than the published networks were trained on, "
        "128 µm at 0.5 µm/px: b (64 µm at 0.25 µm/px)",
    ]  # fmt: skip


def write_reference(path, slides, **columns):
    table = {"wsi_file_name": slides, "patient_id": [f"P{i}" for i in range(len(slides))]}
    table |= {"tcga_project": ["TCGA-BRCA"] * len(slides), "rna_G1": np.arange(len(slides)) + 0.5}
    pd.DataFrame(table | columns).to_csv(path, index=False)
    return path


def test_measured_rows_are_beside_the_predicted(tmp_path, folder, weights):
    reference = write_reference(tmp_path / "ref.csv", ["B2", BRCA_SLIDES[1], "elsewhere"])
    done, adata = run(folder, weights, tmp_path / "p.h5ad", measured=reference)
    measured = pd.Series(adata.layers["measured"][:, 0], adata.obs_names)
    assert measured.dropna().to_dict() == {"B2": 0.5, BRCA_SLIDES[1]: 1.5}
    assert np.isnan(adata.layers["measured"][:, 1:]).all()
    assert adata.obs["cohort"].dropna().to_dict() == {BRCA_SLIDES[1]: "TCGA-BRCA", "B2": "TCGA-BRCA"}
    assert adata.obs["patient_id"].loc[["B2", "A1"]].tolist() == ["P0", "A1"]
    assert done.n_measured == 2
    assert "39 of 40 genes have no measured expression: G2, G3, G4 and 36 more" in done.warnings
    assert done.flow.values.tolist()[-1][:3] == ["slides: measured", 7, 2]


def test_measured_rows_stay_with_their_slide_when_another_fails(tmp_path, folder, weights):
    write_ours(tmp_path / "f" / "a.h5", tiles=120, dim=8)
    write_ours(tmp_path / "f" / "b.h5", tiles=120, dim=32)
    write_ours(tmp_path / "f" / "c.h5", tiles=120, dim=32)
    reference = write_reference(tmp_path / "ref.csv", ["a", "b", "c"])
    _, adata = run(folder, weights, tmp_path / "p.h5ad", tmp_path / "f", measured=reference)
    assert adata.layers["measured"][:, 0].tolist() == [1.5, 2.5]


def test_measurements_of_a_patient_that_differ_are_reported(tmp_path, folder, weights):
    reference = write_reference(tmp_path / "ref.csv", ["x", "y"], patient_id=["TCGA-3C-AALI"] * 2)
    done, adata = run(folder, weights, tmp_path / "p.h5ad", measured=reference)
    assert np.isnan(adata.layers["measured"]).all() and done.n_measured == 0
    assert any("1 of 7 slides has several measurements that differ" in text for text in done.warnings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"output": "p.csv"}, "the output must be an .h5ad file"),
        ({"ensemble": "mean"}, "held-out|all"),
        ({"jobs": 0}, "jobs must be 1 or more, but is 0"),
        ({"batch_size": 0}, "batch_size must be 1 or more, but is 0"),
        ({"untrained": -1}, "untrained must be 0 or more, but is -1"),
        ({"seed": -1}, "seed must be 0 or more, but is -1"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_any_work(tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        predict([tmp_path / "nothing"], tmp_path / "no", **({"output": tmp_path / "p.h5ad"} | options))


def test_nothing_is_written_where_no_slide_can_be_predicted(tmp_path, folder, weights):
    path = write_ours(tmp_path / "f" / "a.h5", tiles=120, dim=8)
    with pytest.raises(InputError, match="the slide could not be predicted: the features have 8 columns"):
        run(folder, weights, tmp_path / "p.h5ad", path)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["f"]


def test_progress_sees_every_slide(tmp_path, folder, weights):
    seen = []

    def progress(items, total):
        seen.append(total)
        for item in items:
            seen.append(item[0].name)
            yield item

    run(folder, weights, tmp_path / "p.h5ad", progress=progress)
    assert seen == [7, *sorted([*BRCA_SLIDES, *NEW])]


def test_weights_that_name_no_encoder_take_the_word_of_the_user(tmp_path, folder):
    write_network(tmp_path / "mine")
    features = write_ours(tmp_path / "f" / "a.h5", tiles=120, dim=32, encoder=EncoderId("mine"))
    done, _ = run(folder, tmp_path / "mine", tmp_path / "p.h5ad", features, encoder="Mine")
    assert done.encoder == "mine" and done.encoder_asserted


@pytest.mark.parametrize("name", ["{}-01A", "{}-01Z-00-DX1"])
def test_a_sample_barcode_for_a_patient_does_not_undo_the_hold_out(tmp_path, folder, weights, name):
    patients = {"A1": name.format(patient_of(BRCA_SLIDES[3]))}
    _, adata = run(folder, weights, tmp_path / "p.h5ad", patients=patients)
    assert adata.obs.loc["A1", "fold"] == 3


def test_published_patients_with_weights_of_unknown_origin_give_a_warning(tmp_path, folder):
    (tmp_path / "renamed").mkdir()
    for fold in range(5):
        shutil.copytree(folder / "weights" / f"sequoia-brca-{fold}", tmp_path / "renamed" / f"fold_{fold}")
    done, _ = run(folder, tmp_path / "renamed", tmp_path / "p.h5ad", encoder="uni")
    assert any("5 of 7 slides are of patients in the published splits" in text for text in done.warnings)
