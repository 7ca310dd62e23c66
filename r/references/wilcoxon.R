# stats::wilcox.test of two samples and of pairs, exact or normal as R chooses; the estimate of Hodges and Lehmann
# from all pairs (wilcox.test itself only finds it to four digits if p is normal).
packages <- "stats"

references <- function(input, write) {
  tests <- list()
  for (case in c("genes", "ties", "small", "zeros", "border", "beyond", "unequal")) {
    d <- input(file.path("wilcoxon", case))
    x <- d$x
    y <- d$y[!is.na(d$y)]
    apart <- suppressWarnings(stats::wilcox.test(x, y))
    row <- data.frame(
      case = case, w = unname(apart$statistic), p_w = apart$p.value, exact_w = grepl("exact", apart$method) + 0,
      v = NA, p_v = NA, exact_v = NA, hodges_lehmann = NA, rank_biserial = NA
    )
    if (length(x) == length(y)) {
      pairs <- suppressWarnings(stats::wilcox.test(x, y, paired = TRUE))
      means <- outer(x - y, x - y, "+") / 2
      n <- sum(x != y)
      row$v <- unname(pairs$statistic)
      row$p_v <- pairs$p.value
      row$exact_v <- grepl("exact", pairs$method) + 0
      row$hodges_lehmann <- stats::median(means[upper.tri(means, diag = TRUE)])
      row$rank_biserial <- 2 * row$v / (n * (n + 1) / 2) - 1
    }
    tests[[case]] <- row
  }
  write(do.call(rbind, tests), "tests")
}
