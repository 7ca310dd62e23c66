# cor.test, psych::r.test (Williams' t; Steiger's and Dunn and Clark's z as its test of two correlations of four
# variables, two of which are the same), written-out formulas if R has no function, p.adjust, quantile.
packages <- c("stats", "psych")

# psych::r.test takes one test at a time.
each <- function(d, test) vapply(seq_len(nrow(d)), function(i) do.call(test, as.list(d[i, c("r12", "r13", "r23", "n")])), numeric(1))

statistics <- list(
  # variable 3 is variable 1 again; Steiger (1980) pools r12 and r13 everywhere except in their difference
  steiger = function(r12, r13, r23, n) {
    pooled <- (r12 + r13) / 2
    psych::r.test(n, r12 = r12, r34 = r13, r13 = 1, r14 = pooled, r23 = pooled, r24 = r23)$z
  },
  williams = function(r12, r13, r23, n) psych::r.test(n, r12 = r12, r13 = r13, r23 = r23)$t,
  `dunn-clark` = function(r12, r13, r23, n)
    psych::r.test(n, r12 = r12, r34 = r13, r13 = 1, r14 = r13, r23 = r12, r24 = r23, pooled = FALSE)$z,
  hotelling = function(r12, r13, r23, n) {
    determinant <- 1 - r12^2 - r13^2 - r23^2 + 2 * r12 * r13 * r23
    (r12 - r13) * sqrt((n - 3) * (1 + r23) / (2 * determinant))
  },
  meng = function(r12, r13, r23, n) {
    mean <- (r12^2 + r13^2) / 2
    f <- min(1, (1 - r23) / (2 * (1 - mean)))
    h <- (1 - f * mean) / (1 - mean)
    (psych::fisherz(r12) - psych::fisherz(r13)) * sqrt((n - 3) / (2 * (1 - r23) * h))
  }
)

zou <- function(r12, r13, r23, n, level) {
  interval <- function(r) psych::fisherz2r(psych::fisherz(r) + c(-1, 1) * stats::qnorm((1 + level) / 2) / sqrt(n - 3))
  a <- interval(r12)
  b <- interval(r13)
  c <- ((r23 - r12 * r13 / 2) * (1 - r12^2 - r13^2 - r23^2) + r23^3) / ((1 - r12^2) * (1 - r13^2))
  span <- function(x, y) sqrt(x^2 + y^2 - 2 * c * x * y)
  c(r12 - r13 - span(r12 - a[1], b[2] - r13), r12 - r13 + span(a[2] - r12, r13 - b[1]))
}

# p-values that do not end at 1e-16, unlike those of r.test
tests <- function(d) {
  columns <- list(id = d$id)
  for (method in names(statistics)) {
    s <- each(d, statistics[[method]])
    upper <- function(x) if (method %in% c("williams", "hotelling")) stats::pt(x, d$n - 3, lower.tail = FALSE) else stats::pnorm(x, lower.tail = FALSE)
    columns[[paste(method, "statistic")]] <- s
    columns[[paste(method, "two-sided")]] <- 2 * upper(abs(s))
    columns[[paste(method, "greater")]] <- upper(s)
    columns[[paste(method, "less")]] <- upper(-s)
    columns[[paste(method, "absolute")]] <- upper(abs(s))
  }
  for (level in c(.9, .95)) {
    ends <- mapply(zou, d$r12, d$r13, d$r23, d$n, level)
    columns[[paste("low", level)]] <- ends[1, ]
    columns[[paste("high", level)]] <- ends[2, ]
  }
  do.call(data.frame, c(columns, check.names = FALSE))
}

columns_of <- function(id, d) {
  range <- stats::quantile(d$x, c(.25, .75), na.rm = TRUE, type = 7, names = FALSE)
  d <- d[stats::complete.cases(d), ]
  pair <- stats::cor.test(d$x, d$y)
  rmse <- sqrt(mean((d$x - d$y)^2))
  data.frame(
    id = id, n = nrow(d), r12 = unname(pair$estimate), p = pair$p.value, r13 = stats::cor(d$x, d$z), r23 = stats::cor(d$y, d$z),
    rmse = rmse, rmse_untrained = sqrt(mean((d$x - d$z)^2)), mae = mean(abs(d$x - d$y)),
    explained_variance = 1 - stats::var(d$x - d$y) / stats::var(d$x), iqr = range[2] - range[1], nrmse = rmse / (range[2] - range[1])
  )
}

references <- function(input, write) {
  triples <- input("correlation/triples")
  rows <- lapply(seq_len(nrow(triples)), function(i) {
    t <- triples[i, ]
    d <- input(file.path("correlation", t$table))
    columns_of(t$id, data.frame(x = d[[t$x]], y = d[[t$y]], z = d[[t$z]]))
  })
  columns <- do.call(rbind, rows)
  write(columns, "columns")
  scale <- columns$nrmse
  write(data.frame(id = columns$id, minmax = (scale - min(scale)) / (max(scale) - min(scale))), "minmax")
  write(tests(columns), "dependent_columns")
  grid <- input("correlation/grid")
  write(tests(grid), "dependent_grid")
  averages <- data.frame(id = c("r12", "r13"), mean = c(
    psych::fisherz2r(mean(psych::fisherz(grid$r12))),
    psych::fisherz2r(stats::weighted.mean(psych::fisherz(grid$r13), grid$n - 3))
  ))
  write(averages, "fisher_means")
  p <- input("correlation/p_values")
  write(data.frame(id = p$id, adjusted = stats::p.adjust(p$p, "BH")), "adjusted")
}
