import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_clinical


def write(folder, text):
    path = folder / "clinical.csv"
    path.write_text(text)
    return path


def test_columns_are_typed_and_named_as_in_a_cohort(tmp_path):
    table = read_clinical(
        write(tmp_path, "id,Age at diagnosis,ER Status,arm\nP1,60,Positive,A\nP2,NA,Negative,B\n")
    )
    assert list(table.covariates) == ["er", "age", "arm"]
    assert table.covariates.loc["P1", ["er", "age"]].tolist() == [1.0, 60.0]
    assert table.covariates["age"].isna().tolist() == [False, True]


def test_the_patient_is_found_wherever_it_is(tmp_path):
    table = read_clinical(write(tmp_path, "Study ID,Patient ID,age\nx,P1,60\nx,P2,61\n"))
    assert table.covariates.index.tolist() == ["P1", "P2"]


def test_barcodes_of_samples_are_cut_to_the_patient(tmp_path):
    table = read_clinical(write(tmp_path, "sample,age\nTCGA-A1-A0SB-01A,60\nTCGA-A1-A0SD-01,61\n"))
    assert table.covariates.index.tolist() == ["TCGA-A1-A0SB", "TCGA-A1-A0SD"]


def test_two_rows_of_a_patient_are_refused(tmp_path):
    with pytest.raises(InputError, match="duplicated: TCGA-A1-A0SB"):
        read_clinical(write(tmp_path, "sample,age\nTCGA-A1-A0SB-01A,60\nTCGA-A1-A0SB-01,61\n"))


def test_numbers_may_be_levels_and_words_missing(tmp_path):
    path = write(tmp_path, "id,grade,size\nP1,1,3\nP2,2,>9\nP3,1,4\n")
    table = read_clinical(path, categorical=["grade"], missing=[">9"])
    assert table.covariates["grade"].cat.categories.tolist() == ["1", "2"]
    assert table.named(["size"], "--adjust") == ("size",)


def test_a_covariate_that_cannot_be_read_is_refused_only_if_somebody_asks(tmp_path):
    table = read_clinical(
        write(tmp_path, "id,age,size\n" + "".join(f"P{i},{i},{i}.5\n" for i in range(12)) + "P12,9,big\n")
    )
    assert table.named(["age"], "--adjust") == ("age",)
    with pytest.raises(InputError, match="size cannot be read"):
        table.named(["size"], "--adjust")


def test_the_column_of_ids_can_be_named_and_an_error_says_so(tmp_path):
    path = write(tmp_path, "study,case,age\nx,P1,60\nx,P2,61\n")
    assert read_clinical(path, id_column="case").covariates.index.tolist() == ["P1", "P2"]
    with pytest.raises(InputError) as caught:
        read_clinical(path)
    assert "--id-column" in caught.value.fix
