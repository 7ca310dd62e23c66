# Gene set variation analysis by GSVA.

# values: genes x samples without a constant gene; members: positions in its rows, one set after the other; sizes:
# the number of genes in each set. Returns sets x samples.
gsva_scores <- function(values, members, sizes, kcdf, tau, max_diff, abs_ranking) {
  rownames(values) <- paste0("g", seq_len(nrow(values)))
  colnames(values) <- paste0("s", seq_len(ncol(values)))
  sets <- split(rownames(values)[members], rep(seq_along(sizes), sizes))
  names(sets) <- paste0("set", seq_along(sets))
  if ("gsvaParam" %in% getNamespaceExports("GSVA")) {  # GSVA 1.50 and later; its default kcdf is another one
    parameters <- GSVA::gsvaParam(values, sets, kcdf = kcdf, tau = tau, maxDiff = max_diff, absRanking = abs_ranking)
    scores <- GSVA::gsva(parameters, verbose = FALSE)
  } else {
    scores <- GSVA::gsva(values, sets, method = "gsva", kcdf = kcdf, tau = tau, mx.diff = max_diff,
                         abs.ranking = abs_ranking, verbose = FALSE)
  }
  unname(scores[names(sets), , drop = FALSE])
}
