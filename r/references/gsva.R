# GSVA::gsva on every table and every setting: a row per case and sample, a column per set, NA if a set is too
# small or too large. Also the densities themselves, whose last bits decide near ties.
packages <- "GSVA"

words <- c(gaussian = "Gaussian", poisson = "Poisson", none = "none")

score <- function(case, values, sets) {
  values <- values[seq_len(nrow(values) - case$drop), , drop = FALSE]
  suppressWarnings(GSVA::gsva(
    values, sets, method = "gsva", kcdf = words[[case$kcdf]], tau = case$tau, mx.diff = case$max_diff == 1,
    abs.ranking = case$abs_ranking == 1, min.sz = case$min_size, max.sz = as.numeric(case$max_size), verbose = FALSE
  ))
}

references <- function(input, write) {
  cases <- input("gsva/cases")
  for (name in unique(cases$table)) {
    table <- input(file.path("gsva", name))
    values <- as.matrix(table[-1])
    rownames(values) <- table$id
    pairs <- input(file.path("gsva", paste0(name, "_sets")))
    sets <- split(pairs$gene, factor(pairs$set, levels = unique(pairs$set)))
    rows <- lapply(which(cases$table == name), function(i) {
      scores <- score(cases[i, ], values, sets)
      filled <- scores[match(names(sets), rownames(scores)), , drop = FALSE]
      dimnames(filled) <- list(names(sets), colnames(values))
      data.frame(id = paste(cases$id[i], colnames(values)), t(filled), check.names = FALSE)
    })
    write(do.call(rbind, rows), name)
  }
}
