"""Genes with a score: which column is ranked, and what is left out."""

from __future__ import annotations

import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io.gene_scores import read_gene_scores


def put(folder, name="a.csv", **content):
    """Files of a folder by the stems of their names."""
    paths = []
    for stem, text in content.items():
        path = folder / (name if len(content) == 1 else f"{stem}.csv")
        path.write_text(text)
        paths.append(path)
    return paths


def test_scores_keep_all_their_digits(tmp_path):
    (path,) = put(tmp_path, a="gene,n,r\nA,5,0.1000000000000000055\nB,5,-0\nC,5,1e-3\n")
    scores = read_gene_scores(path).levels[""]
    assert scores.to_dict() == {"A": 0.1, "B": 0.0, "C": 0.001}


def test_levels_are_ranked_apart_in_the_order_of_the_file(tmp_path):
    (path,) = put(tmp_path, a="cancer,symbol,z\nLUAD,A,1\nBRCA,A,2\nLUAD,B,3\n")
    scores = read_gene_scores(path, "z", by="cancer").levels
    assert {level: part.to_dict() for level, part in scores.items()} == {
        "LUAD": {"A": 1, "B": 3},
        "BRCA": {"A": 2},
    }
    assert list(scores) == ["LUAD", "BRCA"]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("name,r\nA,1\n", {}, "the column 'gene' is not in the table"),
        ("gene,z\nA,1\n", {}, "no column of scores is named, and the table has none that is known"),
        (",baseMean,log2FoldChange,padj\nA,9,1,0\n", {}, "--rank"),
        ("gene,r\nA,1\nB,\n", {}, "1 row has no score"),
        ("gene,r\nA,1\nB,NaN\n", {}, "1 row has no score"),
        ("gene,r\nA,1\nB,high\nC,1_0\n", {}, "2 scores are not finite numbers"),
        ("gene,r\nA,1\nB,inf\n", {}, "1 score is not a finite number"),
        ("gene,r\nA,1\n,2\n", {}, "1 row has no gene"),
        ("gene,r\nA,1\nB,2\nA,3\n", {}, "a column of levels with --by"),
        ("k,gene,r\nx,A,1\nx,A,2\n", {"by": "k"}, "1 gene is duplicated: A"),
        ("k,gene,r\nx,A,1\n,B,2\n", {"by": "k"}, "1 row has no level"),
        ("gene,r\nA,1\n", {"by": "k"}, "the column 'k' is not in the table"),
    ],
)
def test_scores_that_cannot_be_ranked_are_refused(tmp_path, content, options, words):
    (path,) = put(tmp_path, a=content)
    with pytest.raises(InputError, match=words) as error:
        read_gene_scores(path, **options)
    assert "a.csv" in str(error.value)


DESEQ2 = (
    '"","baseMean","log2FoldChange","lfcSE","stat","pvalue","padj"\n'
    '"ESR1",1200.5,2.1,0.3,7.0,2.5e-12,1e-10\n'
    '"KRT5",33.2,-1.5,0.5,-3.0,0.0027,0.01\n'
    '"TP53",0,NA,NA,NA,NA,NA\n'
)
LIMMA = (
    '"","logFC","AveExpr","t","P.Value","adj.P.Val","B"\n'
    '"ESR1",2.1,8.2,7.5,1e-9,1e-7,12.1\n'
    '"KRT5",-1.5,6.6,-3.25,0.0027,0.01,-1.2\n'
)


@pytest.mark.parametrize(
    ("name", "text", "column", "scores"),
    [
        ("limma.csv", LIMMA, "t", {"ESR1": 7.5, "KRT5": -3.25}),
        ("limma.tsv", LIMMA.replace(",", "\t"), "t", {"ESR1": 7.5, "KRT5": -3.25}),
        ("one_short.tsv", LIMMA.replace('"",', "").replace(",", "\t"), "t", {"ESR1": 7.5, "KRT5": -3.25}),
        ("symbols.csv", LIMMA.replace('""', '"Symbol"'), "t", {"ESR1": 7.5, "KRT5": -3.25}),
        ("geo2r.csv", LIMMA.replace('"",', '"Gene.symbol",'), "t", {"ESR1": 7.5, "KRT5": -3.25}),
        ("named.csv", LIMMA.replace('""', '"ID"'), "t", {"ESR1": 7.5, "KRT5": -3.25}),
        ("a.rnk", "ESR1\t2\nKRT5\t-1.5\n", "score", {"ESR1": 2, "KRT5": -1.5}),
        ("a.rnk", "# from GSEA\nNAME\tSCORE\nESR1\t2\n\nKRT5\t-1.5\n", "score", {"ESR1": 2, "KRT5": -1.5}),
        ("a.RNK.txt", "ESR1 2\nKRT5 -1.5", "score", {"ESR1": 2, "KRT5": -1.5}),
        ("a.rnk", '"ESR1"\t2\n"KRT5"\t-1.5\n', "score", {"ESR1": 2, "KRT5": -1.5}),
        ("a.rnk", '"U"  "li.t"\n"ESR1"  2\n"KRT5" -1.5\n', "score", {"ESR1": 2, "KRT5": -1.5}),
        ("a.rnk", "Name\tMetric score\nESR1\t2\nKRT5\t-1.5\n", "score", {"ESR1": 2, "KRT5": -1.5}),
    ],
)
def test_tables_of_other_programs_are_ranked_by_their_statistic(tmp_path, name, text, column, scores):
    (path,) = put(tmp_path, name, a=text)
    found = read_gene_scores(path)
    assert (found.column, found.levels[""].to_dict()) == (column, scores)


def test_genes_without_a_score_are_left_out_on_request_and_counted(tmp_path):
    (path,) = put(tmp_path, a=DESEQ2)
    found = read_gene_scores(path, drop_missing=True)
    assert (found.column, found.levels[""].to_dict()) == ("stat", {"ESR1": 7.0, "KRT5": -3.0})
    assert found.flow.to_frame().to_numpy().tolist() == [
        ["genes: with a score", 3, 2, "1 without a score, 0 without a name"]
    ]
    with pytest.raises(InputError, match="1 row has no score") as error:
        read_gene_scores(path)
    assert "--drop-missing" in error.value.fix


def test_the_column_that_is_asked_for_is_ranked(tmp_path):
    (path,) = put(tmp_path, a=DESEQ2)
    found = read_gene_scores(path, "log2FoldChange", drop_missing=True)
    assert found.levels[""].to_dict() == {"ESR1": 2.1, "KRT5": -1.5}


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("ESR1\t2\tx\n", {}, "a row has 3 fields"),
        ("ESR1\t2\nKRT5\tNA\n", {}, "1 row has no score"),
        ("ESR1\t2\nKRT5\thigh\n", {}, "1 score is not a finite number"),
        ("ESR1\thigh\nKRT5\t2\n", {}, "1 score is not a finite number"),  # the first line is not a title
        ("G1\t<0.5\nKRT5\t2\n", {}, "1 score is not a finite number"),
        ("1007_s_at\thigh\nKRT5\t2\n", {}, "1 score is not a finite number"),
        ("G1\tInf\nKRT5\t2\n", {}, "1 score is not a finite number"),
        ("G1\t#N/A\nKRT5\t2\n", {}, "1 score is not a finite number"),
        ("ESR1\t2\nESR1\t3\n", {}, "fix: keep one row for each$"),
        ("ESR1\t2\n", {"column": "r"}, "no columns to choose from"),
        ("NAME\tSCORE\n", {}, "no gene has a score"),
    ],
)
def test_ranked_lists_that_cannot_be_used_are_refused(tmp_path, text, options, words):
    (path,) = put(tmp_path, "a.rnk", a=text)
    with pytest.raises(InputError, match=words):
        read_gene_scores(path, **options)
