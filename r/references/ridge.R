# Ridge by base R: least squares on rows that are added for the penalty, once for each patient who is left out.
packages <- c("stats")

alphas <- c(.5, 20, 300)
cases <- list(
  # more rows than columns; patients with one, two and three rows
  tall = list(rows = 1:60, features = c("ERBB2", "GRB7", "STARD3", "ESR1", "FOXC1"), genes = c("CD8A", "KRT5", "PGR")),
  # fewer rows than columns
  wide = list(rows = 61:66, features = c("ERBB2", "GRB7", "STARD3", "ESR1", "FOXC1", "CD8A", "KRT5"), genes = c("MKI67", "PGR"))
)
sizes <- c(1, 2, 3)

# coefficients of standardised columns, the intercept first
ridge <- function(z, y, alpha) {
  penalty <- cbind(0, sqrt(alpha) * diag(ncol(z)))
  qr.coef(qr(rbind(cbind(1, z), penalty)), c(y, numeric(ncol(z))))
}

one_case <- function(name, case, table) {
  x <- as.matrix(table[case$rows, case$features])
  patient <- rep(seq_along(case$rows), rep_len(sizes, length(case$rows)))[seq_along(case$rows)]
  centre <- colMeans(x)
  spread <- apply(x, 2, function(column) sqrt(mean((column - mean(column))^2)))
  z <- scale(x, centre, spread)
  fits <- chosen <- NULL
  for (gene in case$genes) {
    y <- table[case$rows, gene]
    left_out <- vapply(alphas, function(alpha) {
      predicted <- numeric(length(y))
      for (one in unique(patient)) {
        out <- patient == one
        predicted[out] <- cbind(1, z[out, , drop = FALSE]) %*% ridge(z[!out, , drop = FALSE], y[!out], alpha)
      }
      c(mean((y - predicted)^2), stats::cor(y, predicted))
    }, numeric(2))
    best <- which.min(left_out[1, ])
    for (i in seq_along(alphas)) {
      beta <- ridge(z, y, alphas[i])
      slopes <- beta[-1] / spread
      predicted <- cbind(1, z) %*% beta
      fits <- rbind(fits, data.frame(
        id = paste(name, gene, alphas[i], sep = "/"), intercept = beta[1] - sum(centre * slopes), left_out_mse = left_out[1, i],
        left_out_r = left_out[2, i], first = predicted[1], last = predicted[length(y)], slope_1 = slopes[1], slope_5 = slopes[5]
      ))
    }
    chosen <- rbind(chosen, data.frame(id = paste(name, gene, sep = "/"), alpha = alphas[best], left_out_mse = left_out[1, best]))
  }
  list(fits = fits, chosen = chosen)
}

references <- function(input, write) {
  table <- input("correlation/metabric")
  found <- lapply(names(cases), function(name) one_case(name, cases[[name]], table))
  write(do.call(rbind, lapply(found, `[[`, "fits")), "fits")
  write(do.call(rbind, lapply(found, `[[`, "chosen")), "chosen")
}
