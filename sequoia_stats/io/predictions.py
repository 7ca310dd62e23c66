"""Predictions from one file, or from matrices that are matched by sample and gene."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.missing import NO_ID
from sequoia_base.names import refuse_open_quotes
from sequoia_base.tables import read_table
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io._layout import id_position
from sequoia_stats.io._tables import are_in_rows, check_ids, read_matrix
from sequoia_stats.io.h5ad import read_adata
from sequoia_stats.io.h5ad import recognises as is_h5ad
from sequoia_stats.types._matrices import in_memory
from sequoia_stats.types.genes import match, other_identifiers, refuse_dates
from sequoia_stats.types.predictions import Predictions, refuse_repeated, untrained_layers

if TYPE_CHECKING:
    from anndata import AnnData

#: A predictions file, or the folder of a training run, and one of its layers: "predictions.h5ad:ridge", "runs/a:ridge".
_LAYER = re.compile(r"(.+):([^:/\\]+)")
#: The predictions in the folder of a training run.
_OF_RUN = "predictions.h5ad"


def read_predictions(
    source: str | Path | Predictions | AnnData,
    *,
    measured: str | Path | None = None,
    untrained: str | Path | Sequence[str | Path] = (),
    genes_in: str = "columns",
    patients: str | Path | pd.DataFrame | None = None,
) -> Predictions:
    """Read predicted and measured genes.

    Parameters
    ----------
    source : path, Predictions or AnnData
        A predictions file (.h5ad: X predicted, layers measured, untrained, untrained_1, ...), or a matrix of
        predictions: .csv, .tsv, .txt (also .gz, .zip), .parquet, or the X of an .h5ad. ``file.h5ad:ridge`` takes the
        predictions from the layer "ridge" in place of X. The folder of a training run stands for its predictions.h5ad.
    measured : path, optional
        The matrix of measured expression, if `source` does not hold it. All matrices name the same samples, in any
        order; genes are matched by their exact names.
    untrained : path or sequence of path, optional
        Matrices of predictions of untrained networks, one per seed; added to those in `source`.
    genes_in : {"columns", "rows"}
        Where tables have their genes.
    patients : path or DataFrame, optional
        A table with one row per sample: ids in the first column, or the index of a frame. Its other columns
        (``patient_id``, ``fold``, ``cohort``, anything) are added to `obs`. If `source` names the patients of its
        samples, the table may have a row per patient instead; a patient without a row then has missing values.

    Returns
    -------
    Predictions
        Genes that are not in all matrices are counted in ``flow``.

    Raises
    ------
    InputError
        If a file cannot be read or is incomplete; if samples differ between matrices, or no gene is in all of them.
    """
    in_rows = are_in_rows(genes_in)
    source, layer = split_layer(source) if _is_path(source) else (source, "")
    extra = [untrained] if isinstance(untrained, str | Path) else list(untrained)
    tables = [file for file in (source, measured, *extra) if _is_path(file) and not is_h5ad(Path(str(file)))]
    if in_rows and not tables:
        raise InputError("AnnData always has its genes in columns", fix="leave --genes-in out")
    if isinstance(source, Predictions) and measured is None and patients is None and not extra:
        return source
    with _located([str(file) for file in (source, measured, *extra) if _is_path(file)]):
        adata = _open(source, genes_in)
        if layer:
            _take_layer(adata, layer)
        if patients is not None:
            _add_samples(adata, patients)
        if measured is not None and "measured" in adata.layers:
            raise InputError(
                "the measured expression is given twice: as a layer and with --measured",
                fix="leave --measured out",
            )
        matrices = {"measured": measured} if measured is not None else {}
        taken, _ = untrained_layers(list(adata.layers))
        free = int(taken[-1].partition("_")[2] or 0) + 1 if taken else 0
        matrices |= {f"untrained_{i}" if i else "untrained": file for i, file in enumerate(extra, start=free)}
        for layer, file in matrices.items():
            adata = _with_layer(adata, layer, _open(file, genes_in), str(file), in_rows)
        return Predictions.from_adata(adata)


def split_layer(source: str | Path) -> tuple[str | Path, str]:
    """A file, and the layer that holds the predictions; the layer is empty if they are in X.

    Examples
    --------
    >>> split_layer("runs/brca/predictions.h5ad:ridge")
    ('runs/brca/predictions.h5ad', 'ridge')
    >>> split_layer("predictions.h5ad")
    ('predictions.h5ad', '')
    """
    found = None if Path(source).exists() else _LAYER.fullmatch(str(source))
    if found is not None and (found[1].lower().endswith(".h5ad") or (Path(found[1]) / _OF_RUN).is_file()):
        return _of_run(found[1]), found[2]
    return _of_run(source), ""


def model_name(source: str | Path) -> str:
    """What a model is called if nobody names it: after its layer, the folder of its run, or its file.

    Examples
    --------
    >>> model_name("runs/brca/predictions.h5ad:ridge"), model_name("external.h5ad")
    ('ridge', 'external')
    """
    file, layer = split_layer(source)
    return layer or (Path(source).resolve().name if Path(source).is_dir() else Path(file).stem)


def _of_run(source: str | Path) -> str | Path:
    """The predictions of a run, if `source` is its folder."""
    inside = Path(source) / _OF_RUN
    return inside if inside.is_file() else source


def _take_layer(adata: AnnData, layer: str) -> None:
    """Put a layer in the place of X; the name says so."""
    others = [name for name in adata.layers if name != "measured"]
    if layer not in others:
        raise InputError(
            "the measured expression is no prediction"
            if layer == "measured"
            else f"there is no layer {layer!r}",
            where=f"layers of predictions: {listing(others) or 'none'}",
            fix="name one of these layers, or leave it out for the predictions in X",
        )
    adata.X = adata.layers[layer]
    if layer in untrained_layers(list(adata.layers))[0]:
        del adata.layers[layer]  # nothing is compared with itself
    adata.uns["name"] = f"{adata.uns['name']}, {layer}"


def _is_path(source: object) -> TypeGuard[str | Path]:
    return isinstance(source, str | Path)


@contextmanager
def _located(files: list[str]) -> Iterator[None]:
    """Add the files to an error that does not name any of them."""
    try:
        yield
    except InputError as error:
        if files and not any(file in error.where for file in files):
            error.where = f"{', '.join(files)}: {error.where}" if error.where else ", ".join(files)
        raise


def _open(source: str | Path | Predictions | AnnData, genes_in: str) -> AnnData:
    """Any source as a new AnnData, whose arrays may be the caller's and are never changed."""
    import anndata

    if isinstance(source, Predictions):
        return source.adata
    if not isinstance(source, str | Path):
        source = in_memory(source, "Predictions")
        uns, layers = dict(source.uns), dict(source.layers)
        return anndata.AnnData(source.X, source.obs.copy(), source.var[[]], uns, layers=layers)
    path = Path(source)
    if path.is_dir():
        raise InputError(
            f"a folder was given, which has no {_OF_RUN}",
            where=str(path),
            fix="give a file, or the folder of a finished training run",
        )
    if is_h5ad(path):
        adata = read_adata(path)
    else:
        left_out = Flow()
        frame = read_matrix(path, genes_in, unit="sample", flow=left_out)
        labels = (frame.index.astype(str), frame.columns.astype(str))
        refuse_repeated(labels[1], "gene", str(path))
        obs, var = (pd.DataFrame(index=pd.Index(names, name=None)) for names in labels)
        adata = anndata.AnnData(frame.to_numpy(), obs, var)
        if len(left_out):
            _add_steps(adata, left_out)
    adata.uns.setdefault("name", path.name.partition(".")[0])
    refuse_dates(adata.var_names, str(path))
    return adata


def _with_layer(adata: AnnData, layer: str, other: AnnData, where: str, in_rows: bool) -> AnnData:
    """The genes of `adata` that `other` also has, with the X of `other` as a further layer."""
    for axis, labels in (("sample", other.obs_names), ("gene", other.var_names)):
        refuse_repeated(labels, axis, where)
    refuse_repeated(adata.obs_names, "sample", "the predictions")
    refuse_repeated(adata.var_names, "gene", "the predictions")
    fix = _transposed(adata, other, in_rows)
    if set(adata.obs_names) != set(other.obs_names):
        ours, theirs = (a.difference(b, sort=False) for a, b in _both_ways(adata.obs_names, other.obs_names))
        raise InputError(
            f"the samples differ: {len(ours)} of {adata.n_obs} are in the predictions only, "
            f"{len(theirs)} of {other.n_obs} in the {_words(layer)} only",
            where=f"{where}; predictions only: {listing(ours, 3) or 'none'}; here only: {listing(theirs, 3) or 'none'}",
            fix=fix or "all matrices must name the same samples in the same way",
        )
    kept = adata.var_names.isin(other.var_names)
    if not kept.any():
        kinds = other_identifiers(predictions=adata.var_names, other_table=other.var_names)
        raise InputError(
            f"no gene of the predictions is in the {_words(layer)}" + (f": {kinds}" if kinds else ""),
            where=f"{where}; predictions: {listing(adata.var_names, 3)}; here: {listing(other.var_names, 3)}",
            fix=fix or "genes are matched by their exact names: use the same kind of name in all matrices",
        )
    _add_steps(adata, _gene_steps(adata.var_names, other.var_names, int(kept.sum()), layer))
    adata = adata if kept.all() else adata[:, kept].copy()
    rows, columns = other.obs_names.get_indexer(adata.obs_names), other.var_names.get_indexer(adata.var_names)
    matrix = other.X.toarray() if hasattr(other.X, "toarray") else np.asarray(other.X)
    same = all(
        np.array_equal(order, np.arange(n)) for order, n in zip((rows, columns), matrix.shape, strict=True)
    )
    adata.layers[layer] = matrix if same else matrix[rows[:, None], columns]
    return adata


def _both_ways(ours: pd.Index, theirs: pd.Index) -> list[tuple[pd.Index, pd.Index]]:
    return [(ours, theirs), (theirs, ours)]


def _words(layer: str) -> str:
    return "measured expression" if layer == "measured" else "predictions of the untrained network"


def _transposed(adata: AnnData, other: AnnData, in_rows: bool) -> str:
    """What to do if the samples of one matrix are the genes of the other; empty if they are not."""
    crossed = adata.obs_names.isin(other.var_names).any() or adata.var_names.isin(other.obs_names).any()
    side = "columns" if in_rows else "rows"
    hint = f"one of them has its genes in {side}: transpose it, or use --genes-in {side} if all have"
    return hint if crossed else ""


def _gene_steps(ours: pd.Index, theirs: pd.Index, n: int, layer: str) -> Flow:
    flow = Flow()
    for (names, others), what in zip(
        _both_ways(ours, theirs), ("the predictions", f"the {_words(layer)}"), strict=True
    ):
        alone = names.difference(others, sort=False)
        if len(alone):
            reason = f"{counted(len(alone), 'gene is', 'genes are')} in {what} only: {listing(alone, 3)}"
            former = int((match(alone, others.difference(names)) >= 0).sum())
            reason += f"; {former} in both under a former name" if former else ""
            flow.add(f"genes: {what}", len(names), n, reason)
    return flow


def _add_samples(adata: AnnData, patients: str | Path | pd.DataFrame) -> None:
    """Columns of a table with a row per sample, or per patient of the samples, added to obs."""
    table, where = (patients, "patients") if isinstance(patients, pd.DataFrame) else _read_samples(patients)
    table = table.set_axis(table.index.astype(str), axis=0)
    refuse_repeated(table.index, "sample", where)
    own = adata.obs.get("patient_id")
    if own is not None and (own.astype(str) == adata.obs_names).all():  # every sample was its own patient
        del adata.obs["patient_id"]
        own = None
    ids, by_patient = adata.obs_names, False
    if own is not None and not ids.isin(table.index).all():  # some slides may be called like their patients
        named = pd.Index(own.astype(str).str.strip())
        by_patient = bool(named.isin(table.index).sum() > ids.isin(table.index).sum())
        ids = named if by_patient else ids
    absent = ids.unique().difference(table.index, sort=False)
    if len(absent) and not by_patient:
        raise InputError(
            f"{part(len(absent), adata.n_obs, 'sample', 'are')} not in the table of patients",
            where=f"{where}: {listing(absent)}",
            fix="the table needs one row per sample, or per patient_id, with its id in the first column",
        )
    twice = [column for column in table if column in adata.obs]
    if twice:
        raise InputError(f"the predictions already have {listing(twice)}", where=where, fix="leave it out")
    n, found = ids.nunique(), ids.nunique() - len(absent)
    if len(absent):
        _add_steps(adata, [("patients: table of patients", n, found, f"not in it: {listing(absent, 3)}")])
    if len(table) > found:
        _add_steps(adata, [("table of patients: rows", len(table), found, "the others have no predictions")])
    for column in table:
        adata.obs[column] = table[column].reindex(ids).to_numpy()


def _read_samples(path: str | Path) -> tuple[pd.DataFrame, str]:
    """The table of samples in a file, with their ids as index, and the name of the file."""
    table, where = read_table(path, missing=()), str(path)
    at = id_position(list(table.columns), None, where)
    ids = table.iloc[:, at]
    check_ids(ids, f"{where}, column {ids.name!r}", unit="sample")
    refuse_open_quotes(ids, where)
    table = table.iloc[:, at + 1 :].set_axis(pd.Index(ids), axis=0)
    return table.mask(table.isin(NO_ID)), where


def _add_steps(adata: AnnData, steps: Iterable[tuple[str, int, int, str]]) -> None:
    """Add lines to the ledger in uns."""
    longer = Flow.of(adata.uns.get("flow"))
    longer.extend(steps)
    adata.uns["flow"] = longer.to_columns()
