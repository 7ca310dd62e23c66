# Intervals of a measured score: stats::lm on the predicted score, residuals without each patient by stats::hatvalues,
# and the ceiling((n + 1) * level)-th smallest of them; the size of the residual by a second lm, at least a quarter of
# the mean residual.
packages <- "stats"

without_each <- function(fit) stats::residuals(fit) / (1 - stats::hatvalues(fit))

ranked <- function(residuals, level) sort(residuals)[ceiling((length(residuals) + 1) * level - 1e-9)]

references <- function(input, write) {
  new <- input("score_intervals/new")
  rows <- list()
  for (case in c("even", "uneven", "level_tied")) {
    d <- input(file.path("score_intervals", case))
    line <- stats::lm(measured ~ predicted, d)
    d$residual <- abs(without_each(line))
    size <- stats::lm(residual ~ predicted, d)
    least <- mean(d$residual) / 4
    sizes <- pmax(d$residual - without_each(size), least)
    centre <- stats::predict(line, new)
    for (level in c(0.5, 0.8, 0.9, 0.95)) {
      constant <- ranked(d$residual, level)
      predicted <- ranked(d$residual / sizes, level) * pmax(stats::predict(size, new), least)
      rows[[length(rows) + 1]] <- data.frame(
        case = paste(case, level, new$id), centre = unname(centre), constant = constant, predicted = predicted
      )
    }
  }
  write(do.call(rbind, rows), "half_widths")
}
