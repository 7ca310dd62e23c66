# Correlations given covariates: the residuals of lm, the t-test of the term in lm, psych::partial.r; correlations
# within the levels of a factor by cor, and their mean on Fisher's scale by psych.
packages <- c("stats", "psych")

# categories as factors, whose first level is the reference; numbers as they are
formula_of <- function(left, terms) stats::reformulate(terms, left)

partial <- function(d, x, y, covariates) {
  d <- d[stats::complete.cases(d[c(x, y, covariates)]), ]
  for (gene in c(x, y)) d[[gene]] <- d[[gene]] - mean(d[[gene]])  # lm takes a gene around 1e8 for its intercept
  rest <- lapply(c(x, y), function(gene) stats::residuals(stats::lm(formula_of(gene, covariates), d)))
  fit <- stats::lm(formula_of(x, c(y, covariates)), d)
  coded <- stats::model.matrix(formula_of(NULL, covariates), d)[, -1, drop = FALSE]
  coded <- coded[, qr(cbind(1, coded))$pivot[seq_len(qr(cbind(1, coded))$rank)][-1] - 1, drop = FALSE]
  all <- cbind(d[c(x, y)], coded)
  data.frame(
    n = nrow(d), df = fit$df.residual, r = stats::cor(rest[[1]], rest[[2]]),
    p = stats::coef(summary(fit))[y, 4], r_psych = psych::partial.r(all, 1:2, 2 + seq_len(ncol(coded)))[1, 2]
  )
}

# levels with fewer than four patients are left out
within <- function(d, x, y, column) {
  d <- d[stats::complete.cases(d[c(x, y, column)]), ]
  parts <- Filter(function(part) nrow(part) >= 4, split(d, d[[column]]))
  r <- vapply(parts, function(part) stats::cor(part[[x]], part[[y]]), numeric(1))
  n <- vapply(parts, nrow, integer(1))
  z <- psych::fisherz(r)
  data.frame(
    level = c("all", names(parts)), n = c(sum(n), n),
    r = c(psych::fisherz2r(stats::weighted.mean(z, n - 3)), r),
    p = c(2 * stats::pnorm(-abs(sum((n - 3) * z) / sqrt(sum(n - 3)))), rep(NA, length(n)))
  )
}

references <- function(input, write) {
  cases <- input("clinical/cases")
  each <- function(method, choose) do.call(rbind, lapply(seq_len(nrow(cases)), function(i) {
    case <- cases[i, ]
    covariates <- strsplit(case$covariates, " ")[[1]]
    d <- input(file.path("clinical", case$table))
    if (!choose(d, covariates)) return(NULL)
    found <- method(d, case$x, case$y, covariates)
    cbind(id = if ("level" %in% names(found)) paste(case$id, found$level) else case$id, found[names(found) != "level"])
  }))
  write(each(partial, function(d, covariates) TRUE), "partial")
  write(each(within, function(d, covariates) length(covariates) == 1 && is.character(d[[covariates]])), "within")
}
