# Rank-based inverse normal scores (Blom): qnorm((r - 3/8) / (n + 1/4)) with average ranks.
packages <- "stats"

references <- function(input, write) {
  for (name in c("scanb", "tcga")) {
    d <- input(file.path("rank_transform", name))
    scores <- lapply(d[-1], function(v) stats::qnorm((rank(v, ties.method = "average") - 3 / 8) / (length(v) + 1 / 4)))
    write(data.frame(id = d$id, scores, check.names = FALSE), name)
  }
}
