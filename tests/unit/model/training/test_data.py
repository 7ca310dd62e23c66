"""Training data: what is joined, what is left out and counted, what is refused, and what a second call reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_model.clusters import cluster_means
from sequoia_model.errors import InputError
from sequoia_model.training.data import _means, _store, load_training_data
from sequoia_model.types.bag import EncoderId
from tests.build.features import make_features, write_clam, write_ours, write_sequoia

SLIDES = ("A1", "A2", "B1", "C1")
PATIENTS = ("A", "A", "B", "C")
GENES = ("G1", "G2", "G3")


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files that were just written count as settled."""
    monkeypatch.setattr(_store, "_SETTLED", 0)


@pytest.fixture
def folder(tmp_path):
    """Four slides of 12 tiles × 8 by UNI."""
    for seed, slide in enumerate(SLIDES):
        write_ours(tmp_path / "features" / f"{slide}.h5", seed=seed)
    return tmp_path


def make_table(**columns) -> pd.DataFrame:
    table = pd.DataFrame({"wsi_file_name": SLIDES, "patient_id": PATIENTS})
    values = {"G1": [1.0, 1, 2, 3], "G2": [4.0, 4, 5, 6], "G3": [7.0, 7, 8, 9]}
    return table.assign(**{f"rna_{gene}": x for gene, x in (values | columns).items()})


def write_table(folder, table=None, **columns):
    path = folder / "measured.csv"
    (make_table(**columns) if table is None else table).to_csv(path, index=False)
    return path


def write_h5ad(folder, units=None, **columns):
    table = make_table(**columns).set_index("wsi_file_name")
    table.index.name = None
    x = table.filter(like="rna_").to_numpy(np.float32)
    uns = {} if units is None else {"units": units}
    made = anndata.AnnData(x, table[["patient_id"]], pd.DataFrame(index=list(GENES)), uns=uns)
    made.write_h5ad(folder / "measured.h5ad")
    return folder / "measured.h5ad"


def load(folder, measured=None, **given):
    """The data of a folder with four clusters."""
    measured = write_table(folder) if measured is None else measured
    given = {"n_clusters": 4, "cache": folder / "cache"} | given
    return load_training_data(folder / "features", measured, **given)


def steps(data):
    return {row.step: (row.n_before, row.n_after, row.reason) for row in data.flow.itertuples()}


# --- what it holds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_table, write_h5ad])
def test_slides_have_their_means_their_expression_and_their_patients(folder, write):
    data = load(folder, write(folder))
    assert data.slides == SLIDES and data.patients.tolist() == list(PATIENTS) and data.genes == GENES
    assert data.expression.tolist() == [[1, 4, 7], [1, 4, 7], [2, 5, 8], [3, 6, 9]]
    for row, seed in zip(data.means, range(4), strict=True):
        np.testing.assert_array_equal(row, cluster_means(make_features(seed=seed), n_clusters=4).means)
    assert data.encoder == "uni" and data.failed == () and len(data.flow) == 0
    assert [file.name for file in data.files] == [f"{slide}.h5" for slide in SLIDES]


def test_the_arrays_are_float32_and_cannot_be_changed(folder):
    data = load(folder)
    assert isinstance(data.means, np.memmap) and data.means.dtype == data.expression.dtype == np.float32
    assert not data.means.flags.writeable and not data.expression.flags.writeable


def test_rows_of_patients_serve_all_their_slides(folder):
    table = make_table().drop(columns="wsi_file_name").drop_duplicates()
    patients = dict(zip(SLIDES, PATIENTS, strict=True))
    data = load(folder, write_table(folder, table), patients=patients)
    assert data.expression[:, 0].tolist() == [1, 1, 2, 3] and data.patients.tolist() == list(PATIENTS)


def test_genes_come_in_the_order_of_the_list_and_those_not_measured_are_counted(folder):
    data = load(folder, genes=["G3", "G9", "G1"])
    assert data.genes == ("G3", "G1") and data.expression[2].tolist() == [8, 2]
    assert steps(data)["genes: measured"] == (3, 2, "not in measured.csv: G9")


def test_the_list_may_be_a_file(folder):
    (folder / "genes.txt").write_text("G2\n")
    assert load(folder, genes=folder / "genes.txt").genes == ("G2",)


def test_cohorts_are_those_of_the_table_or_of_the_features(folder):
    table = make_table().assign(tcga_project=["TCGA-BRCA", "", "TCGA-LUAD", ""])
    assert load(folder, write_table(folder, table)).cohorts.tolist() == ["TCGA-BRCA", "", "TCGA-LUAD", ""]


def test_the_number_of_threads_changes_nothing(folder):
    one, two = (load(folder, cache=folder / f"cache-{jobs}", jobs=jobs) for jobs in (1, 3))
    assert one.digest == two.digest


def test_the_digest_tells_data_apart(folder):
    digests = {
        load(folder).digest,
        load(folder, seed=1).digest,
        load(folder, genes=["G1", "G2"]).digest,
        load(folder, patients={"A1": "Z"}).digest,
        load(folder, write_table(folder, G1=[1, 1, 2, 4])).digest,
    }
    assert len(digests) == 5
    assert load(folder, write_table(folder)).digest in digests


def test_it_prints_in_one_line(folder):
    words = "<TrainingData 4 slides of 3 patients: 4 × 8 by uni, 3 genes, not stated>"
    assert repr(load(folder)) == words


# --- what is left out -----------------------------------------------------------------------------------------------


def test_slides_without_expression_and_expression_without_slides_are_counted(folder):
    table = make_table()
    table.loc[3, ["wsi_file_name", "patient_id"]] = ["D1", "D"]
    data = load(folder, write_table(folder, table))
    assert data.slides == ("A1", "A2", "B1")
    assert steps(data)["slides: measured"] == (4, 3, "no measured expression: C1")
    assert steps(data)["measured rows: used"] == (4, 3, "no feature file: D1")


def test_a_slide_whose_measurements_differ_is_left_out(folder):
    table = pd.concat([make_table(), make_table(G1=[9, 1, 2, 3]).head(1)])
    data = load(folder, write_table(folder, table))
    assert data.slides == ("A2", "B1", "C1")
    assert steps(data)["slides: one measurement"] == (4, 3, "several measurements that differ: A1")


def test_a_slide_without_values_costs_no_gene_and_a_gene_with_a_gap_no_slide(folder):
    nan = np.nan
    data = load(folder, write_table(folder, G1=[1, 1, nan, 3], G2=[4, 4, nan, 6], G3=[7, nan, nan, 9]))
    assert data.slides == ("A1", "A2", "C1") and data.genes == ("G1", "G2")
    assert data.expression.tolist() == [[1, 4], [1, 4], [3, 6]]
    assert steps(data)["slides: complete"] == (4, 3, "missing values (largest share first): B1")
    assert steps(data)["genes: complete"] == (3, 2, "missing values (largest share first): G3")


def test_genes_with_one_value_are_kept_since_test_patients_must_not_choose_genes(folder):
    data = load(folder, write_table(folder, G2=[5, 5, 5, 5]))
    assert data.genes == ("G1", "G2", "G3") and data.expression[3].tolist() == [3, 5, 9]
    assert data.warnings[-1] == "1 of 3 genes has one value in all slides, so no correlation: G2"


def other_encoder(path):
    write_ours(path, encoder=EncoderId("resnet50"))


def with_nan(path):
    features = make_features()
    features[3] = np.nan
    write_ours(path)
    path.unlink()
    write_clam(path, features=features)


FAILING = {
    "empty": (lambda path: path.write_bytes(b""), "the file is empty: it has 0 bytes"),
    "of another length": (lambda path: write_ours(path, dim=6), "the features have 6 columns"),
    "of another encoder": (other_encoder, "the features are of resnet50, but the networks take those of uni"),
    "with NaN": (with_nan, "1 of 12 rows of features holds NaN"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_file_that_cannot_be_used_fails_alone(folder, case):
    change, words = FAILING[case]
    change(folder / "features" / "B1.h5")
    data = load(folder, encoder="uni")
    assert data.slides == ("A1", "A2", "C1") and data.expression[:, 0].tolist() == [1, 1, 3]
    assert [(failure.item, failure.what.startswith(words)) for failure in data.failed] == [("B1", True)]
    assert steps(data)["slides: features"] == (4, 3, "1 failed: B1")


def test_a_file_that_names_no_encoder_beside_others_fails_alone(folder):
    write_ours(folder / "features" / "B1.h5", encoder=None)
    data = load(folder)
    assert data.slides == ("A1", "A2", "C1") and "--encoder uni" in data.failed[0].fix


def test_files_that_are_no_features_are_counted(folder):
    (folder / "features" / "A1.pt").write_bytes(b"")
    assert steps(load(folder))["feature files: found"][:2] == (5, 4)


# --- warnings -------------------------------------------------------------------------------------------------------


def test_the_unit_is_that_of_the_file_and_a_table_states_none(folder):
    assert load(folder, write_h5ad(folder, "log2(FPKM-UQ+1)")).units == "log2(FPKM-UQ+1)"
    assert load(folder).units == "not stated"


def test_values_that_cannot_have_their_unit_are_told(folder):
    data = load(folder, write_h5ad(folder, "log2(FPKM-UQ+1)", G1=[1, 1, -2, 3]))
    assert data.units == "not stated"
    assert "measured values fall to -2, which is not possible in log2(FPKM-UQ+1)" in data.warnings[0]


def test_values_without_a_logarithm_are_told(folder):
    data = load(folder, write_table(folder, G1=[1, 1, 20000, 3]))
    assert any("reach 2e+04, as without a logarithm" in warning for warning in data.warnings)


def test_what_is_doubtful_about_features_is_told(folder):
    write_ours(folder / "features" / "B1.h5", tiles=3, encoder=None)
    write_ours(folder / "features" / "C1.h5", mpp=0.25)
    warnings = load(folder, encoder="uni").warnings
    assert "1 of 4 slides has features of uni only according to the user: B1" in warnings
    assert any("fewer distinct tiles than the 4 clusters" in warning for warning in warnings)
    assert any("than the others: C1 (64 µm at 0.25 µm/px)" in warning for warning in warnings)


def test_identifiers_in_place_of_symbols_are_told(folder):
    names = {f"rna_{gene}": f"ENSG0000000000{gene[1]}" for gene in GENES}
    data = load(folder, write_table(folder, make_table().rename(columns=names)))
    assert any("3 of 3 names are Ensembl gene ids" in warning for warning in data.warnings)


def test_slides_without_a_patient_are_told(folder):
    table = make_table().drop(columns="patient_id")
    words = "4 of 4 slides have no patient, so each counts as its own patient: A1, A2, A3"
    assert words.replace("A3", "B1 and 1 more") in load(folder, write_table(folder, table)).warnings


# --- what is refused ------------------------------------------------------------------------------------------------


def two_encoders(folder):
    for slide in ("B1", "C1"):
        write_ours(folder / "features" / f"{slide}.h5", encoder=EncoderId("resnet50"))


def no_encoder(folder):
    for slide in SLIDES:
        write_ours(folder / "features" / f"{slide}.h5", encoder=None)


def both_encoders_in_each(folder):
    for slide in SLIDES:
        write_sequoia(folder / "features" / f"{slide}.h5", kinds=("uni", "resnet"), clusters=None)


def none_readable(folder):
    for slide in SLIDES:
        (folder / "features" / f"{slide}.h5").write_bytes(b"")


def twice(folder):
    write_ours(folder / "features" / "more" / "A1.h5")


def transposed(folder):
    turned = make_table().drop(columns="patient_id").set_index("wsi_file_name").T
    turned.rename_axis("gene").to_csv(folder / "measured.csv")


def of_others(folder):
    table = make_table().assign(wsi_file_name=list("wxyz"), patient_id=list("wxyz"))
    write_table(folder, table)


def nothing(folder):
    pass


def table(**columns):
    return lambda folder: write_table(folder, **columns)


REFUSED = {
    "features of two encoders": (
        two_encoders, {}, ["of 2 encoders", "2 of resnet50", "B1.h5", "2 of uni", "A1.h5", "--encoder resnet50|uni"],
    ),
    "features of nobody": (no_encoder, {}, ["do not name their encoder", "A1.h5", "--encoder NAME"]),
    "features of an encoder that is not there": (
        nothing, {"encoder": "virchow2"}, ["none of the 4 slides has features of virchow2", "A1.h5 (uni)"],
    ),
    "files of two encoders": (both_encoders_in_each, {}, ["features of two encoders: uni, resnet50", "--encoder"]),
    "no file that can be read": (none_readable, {}, ["none of the 4 slides could be used", "0 bytes", "A1.h5"]),
    "two files of one slide": (twice, {}, ["two files for the slide A1", "features/A1.h5", "more/A1.h5"]),
    "genes in rows": (transposed, {}, ["genes in rows", "measured.csv, columns A1, A2, B1", "transpose it"]),
    "expression of others": (of_others, {}, ["none of the 4 slides", "measured.csv", "there: w, x, y"]),
    "a text among the values": (table(G2=[4, 4, "low", 5]), {}, ["'low' is not a number", "row 4, column 'rna_G2'"]),
    "an infinite value": (table(G2=[4, 4, np.inf, 5]), {}, ["1 measured value is infinite", "B1, gene G2"]),
    "no value at all": (
        table(**dict.fromkeys(GENES, [np.nan] * 4)), {}, ["no slide has measured expression", "measured.csv"],
    ),
    "the same values everywhere": (
        table(**dict.fromkeys(GENES, [1.0] * 4)), {}, ["every gene has the same value for 4 slides"],
    ),
    "genes of others": (nothing, {"genes": ["X"]}, ["none of the 1 genes", "measured.csv"]),
    "a gene asked for twice": (nothing, {"genes": ["G1", "G1"]}, ["1 gene is named twice: G1"]),
    "no clusters": (nothing, {"n_clusters": 0}, ["n_clusters must be", "1 or more"]),
    "no threads": (nothing, {"jobs": 0}, ["jobs must be", "1 or more"]),
    "patients of others": (nothing, {"patients": {"Z9": "Z"}}, ["none of the 4 slides is in the given list"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused_by_name(folder, case):
    change, given, words = REFUSED[case]
    write_table(folder)
    change(folder)
    with pytest.raises(InputError) as error:
        load(folder, folder / "measured.csv", **given)
    message = f"{error.value.what} {error.value.where} {error.value.fix}"
    assert [word for word in words if word not in message] == [], message
    assert list((folder / "cache").glob("*.npy")) == []


def test_of_two_encoders_one_can_be_chosen(folder):
    two_encoders(folder)
    data = load(folder, encoder="resnet50")
    assert data.slides == ("B1", "C1") and data.encoder == "resnet50" and len(data.failed) == 2


def test_of_two_encoders_in_each_file_one_can_be_chosen_but_not_by_an_earlier_call(folder):
    both_encoders_in_each(folder)
    assert load(folder, encoder="uni").slides == SLIDES
    with pytest.raises(InputError, match="features of two encoders"):
        load(folder)


# --- the cache ------------------------------------------------------------------------------------------------------


@pytest.fixture
def read_files(monkeypatch):
    """Names of files whose features are read or whose content is hashed, in this order."""
    names = []
    for name in ("load_input", "read", "content_of", "look"):
        inner = getattr(_means, name)

        def watched(path, *given, inner=inner, name=name, **options):
            names.append((name, path.stem))
            return inner(path, *given, **options)

        monkeypatch.setattr(_means, name, watched)
    return names


def test_a_second_call_reads_no_features(folder, read_files):
    first = load(folder)
    assert len(read_files) == 12
    read_files.clear()
    second = load(folder)
    assert (
        read_files == [] and second.digest == first.digest and second.means.tobytes() == first.means.tobytes()
    )
    assert len(list((folder / "cache").glob("means-*.npy"))) == 1
    assert list((folder / "cache" / "pieces").iterdir()) == []


def test_a_second_call_with_the_encoder_named_reads_no_features_either(folder, read_files):
    load(folder)
    read_files.clear()
    load(folder, encoder="UNI")
    assert read_files == []


def test_a_changed_file_is_read_again_although_its_size_and_time_are_the_same(folder, read_files):
    load(folder)
    path = folder / "features" / "B1.h5"
    before = os.stat(path)
    data = path.read_bytes()
    first = make_features(seed=2).tobytes()[:64]
    assert data.count(first) == 1
    path.write_bytes(data.replace(first, make_features(seed=9).tobytes()[:64]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    read_files.clear()
    changed = load(folder)
    assert os.stat(path).st_size == before.st_size
    assert ("load_input", "B1") in read_files and {name for _, name in read_files} == {"B1"}
    features = make_features(seed=2)
    features.reshape(-1)[:16] = make_features(seed=9).reshape(-1)[:16]
    np.testing.assert_array_equal(changed.means[2], cluster_means(features, n_clusters=4).means)


def test_a_file_that_has_just_changed_is_not_trusted_by_its_times(folder, read_files, monkeypatch):
    monkeypatch.setattr(_store, "_SETTLED", 10**12)
    load(folder)
    read_files.clear()
    load(folder)
    assert [name for name, _ in read_files].count("content_of") == 4
    assert ("load_input", "A1") not in read_files
    monkeypatch.setattr(_store, "_SETTLED", 0)
    load(folder)
    read_files.clear()
    load(folder)
    assert read_files == []


def test_moved_files_are_hashed_but_not_clustered_again(folder, read_files):
    first = load(folder)
    shutil.move(folder / "features", folder / "elsewhere")
    shutil.copytree(folder / "elsewhere", folder / "features")
    read_files.clear()
    assert load(folder).digest == first.digest
    assert "load_input" not in {name for name, _ in read_files}


def test_a_further_slide_is_the_only_one_that_is_clustered(folder, read_files):
    wanted = load(folder, cache=folder / "other").digest
    (folder / "features" / "B1.h5").rename(folder / "B1.h5")
    load(folder)
    (folder / "B1.h5").rename(folder / "features" / "B1.h5")
    read_files.clear()
    assert load(folder).digest == wanted
    assert {name for what, name in read_files if what == "load_input"} == {"B1"}
    assert len(list((folder / "cache").glob("means-*.npy"))) == 1


@pytest.mark.parametrize("changed", [{"n_clusters": 3}, {"seed": 7}])
def test_other_settings_have_rows_of_their_own(folder, read_files, changed):
    load(folder)
    read_files.clear()
    load(folder, **changed)
    assert [name for name, _ in read_files].count("load_input") == 4
    read_files.clear()
    load(folder)
    assert read_files == []


def test_an_interrupted_call_is_continued(folder, read_files, monkeypatch):
    def interrupted(items, total):
        for i, item in enumerate(items):
            if i == 3:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        load(folder, progress=interrupted)
    assert list((folder / "cache").glob("means-*")) == []
    read_files.clear()
    data = load(folder)
    assert {name for what, name in read_files if what == "load_input"} <= {"C1"}
    assert data.digest == load(folder, cache=folder / "other").digest


def test_a_damaged_array_is_removed_and_made_again(folder):
    wanted = load(folder).digest
    [array] = (folder / "cache").glob("means-*.npy")
    data = bytearray(array.read_bytes())
    data[-5] ^= 1
    array.write_bytes(data)
    with pytest.raises(InputError, match="cache of cluster means is damaged") as error:
        load(folder)
    assert "run the command again" in error.value.fix
    assert load(folder).digest == wanted


@pytest.mark.parametrize("ending", ["npy", "json"])
def test_a_file_of_the_cache_that_is_cut_off_is_made_again(folder, ending):
    wanted = load(folder).digest
    [path] = (folder / "cache").glob(f"means-*.{ending}")
    path.write_bytes(path.read_bytes()[:-40])
    assert load(folder).digest == wanted


def test_what_a_killed_process_left_is_removed(folder):
    (folder / "cache" / "pieces").mkdir(parents=True)
    left = [folder / "cache" / ".means-12-abc.npy", folder / "cache" / "pieces" / ".12-abc.npz"]
    for path in left:
        path.write_bytes(b"part")
    load(folder)
    assert [path for path in left if path.exists()] == []


def test_a_file_that_changes_while_it_is_read_fails(folder, monkeypatch):
    inner = _means.load_input

    def changing(path, spec):
        loaded = inner(path, spec)
        if path.stem == "B1":
            path.write_bytes(path.read_bytes() + b" ")
        return loaded

    monkeypatch.setattr(_means, "load_input", changing)
    assert [(f.item, f.what) for f in load(folder).failed] == [("B1", "the file changed while it was read")]


def test_a_full_disk_ends_the_call_with_an_error_that_names_the_cache(folder, monkeypatch):
    def full(*given, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_store.np, "savez", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device") as error:
        load(folder)
    assert "cache" in error.value.where
    assert list((folder / "cache").glob("means-*")) == []


def test_a_cache_that_cannot_be_made_is_refused(folder):
    (folder / "cache").write_text("a file")
    with pytest.raises(InputError, match="the cache of cluster means cannot be used"):
        load(folder)


def test_the_cache_is_in_the_folder_of_the_system_if_none_is_named(folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "xdg"))
    load(folder, cache=None)
    assert len(list((folder / "xdg" / "sequoia" / "means").glob("means-*.npy"))) == 1


def test_an_array_that_another_process_replaces_in_this_moment_is_no_error(folder, monkeypatch):
    wanted = load(folder).digest
    inner = _store.MeansStore.array
    calls = []

    def vanishing(store, slides):
        calls.append(len(slides))
        if len(calls) == 1:
            for path in store.folder.glob("means-*"):
                path.unlink()
            raise FileNotFoundError(2, "No such file or directory")
        return inner(store, slides)

    monkeypatch.setattr(_store.MeansStore, "array", vanishing)
    assert load(folder).digest == wanted


@pytest.mark.slow
def test_processes_that_start_together_compute_each_slide_once(folder):
    measured, script = write_table(folder), folder / "load.py"
    script.write_text(
        "from sequoia_model.training.data import _means\n"
        "from sequoia_model.training.data import load_training_data\n"
        "import pathlib, os\n"
        "inner = _means.load_input\n"
        "_means.read = None  # a slide that another process has clustered is not read for its notes either\n"
        "def counting(path, spec):\n"
        "    pathlib.Path(f'{path.stem}-{os.getpid()}.read').touch()\n"
        "    return inner(path, spec)\n"
        "_means.load_input = counting\n"
        f"data = load_training_data('features', {measured.name!r}, n_clusters=4, cache='cache')\n"
        "print(data.digest)\n"
    )
    together = [
        subprocess.Popen([sys.executable, script.name], cwd=folder, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    digests = {process.communicate()[0].strip() for process in together}
    assert digests == {load(folder).digest}
    assert len(list(folder.glob("*.read"))) == 4
    assert len(list((folder / "cache").glob("means-*.npy"))) == 1


def test_progress_is_told_for_the_files_that_are_read(folder):
    seen = []

    def progress(items, total):
        seen.append(total)
        return items

    load(folder, progress=progress)
    load(folder, progress=progress)
    assert seen == [4]


@pytest.mark.parametrize(("tile_size", "agreed"), [(256, 128.0), (260, 128.0), (270, None), (None, None)])
def test_the_side_of_tiles_is_known_where_all_files_say_the_same(folder, tile_size, agreed):
    write_ours(folder / "features" / "C1.h5", seed=3, tile_size=tile_size)
    assert load(folder, write_table(folder)).tile_um == agreed
