# Overlaps of two and three gene lists by phyper and dhyper; numbers of genes against numbers of samples by cor.test.
packages <- "stats"

upper <- function(k, M, K, n) stats::phyper(k - 1, K, M - K, n, lower.tail = FALSE)

references <- function(input, write) {
  lists <- input("compare/overlaps")
  lists$p <- vapply(seq_len(nrow(lists)), function(i) with(lists[i, ], {
    if (is.na(c)) return(upper(shared, universe, a, b))
    first <- 0:min(a, b)  # what the first two lists share, then the third with that
    sum(stats::dhyper(first, a, universe - a, b) * upper(shared, universe, first, c))
  }), numeric(1))
  write(lists[c("id", "p")], "overlaps")
  sizes <- input("compare/sizes")
  tests <- lapply(c("pearson", "spearman"), function(method) {
    test <- suppressWarnings(stats::cor.test(sizes$n, sizes$n_well_predicted, method = method, exact = FALSE))
    data.frame(method = method, r = unname(test$estimate), p = test$p.value)
  })
  write(do.call(rbind, tests), "correlations")
}
