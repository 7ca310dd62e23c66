# ape::Moran.I with the weights of tiles that touch by a side or a corner; ape scales the rows of the weights to 1.
packages <- "ape"

references <- function(input, write) {
  rows <- list()
  for (case in c("full", "holes", "islands")) {
    d <- input(file.path("moran", case))
    apart <- pmax(abs(outer(d$row, d$row, "-")), abs(outer(d$column, d$column, "-")))
    for (map in c("slope", "noise", "smooth")) {
      moran <- ape::Moran.I(d[[map]], (apart == 1) + 0)$observed
      rows[[length(rows) + 1]] <- data.frame(map = paste(case, map), moran = moran)
    }
  }
  write(do.call(rbind, rows), "moran")
}
