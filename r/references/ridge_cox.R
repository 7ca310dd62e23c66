# Cox models with a ridge penalty λ on standardised covariates. With ties: coxph's ridge(), whose theta is n λ. Without
# ties, so that Efron's and Breslow's likelihoods are one: glmnet with alpha = 0, at its own standardisation.
packages <- c("survival", "glmnet")

references <- function(input, write) {
  penalties <- c(1, 0.1, 0.01)
  rows <- list()
  add <- function(case, penalty, x, coef)
    rows[[length(rows) + 1]] <<- data.frame(
      key = paste(case, penalty, colnames(x)), case = case, penalty = penalty, gene = colnames(x), coef = coef
    )
  genes <- function(name) {
    table <- input(file.path("glmnet_path", paste0(name, "_ranks")))
    as.matrix(table[, -1])
  }

  d <- input("glmnet_path/ties_30_outcome")
  for (n in c(80, 25)) {  # with 25 patients there are more covariates than patients
    x <- genes("ties_30")[seq_len(n), ]
    spread <- apply(x, 2, function(column) sqrt(mean((column - mean(column))^2)))
    z <- scale(x, scale = spread)
    y <- survival::Surv(d$time, d$event)[seq_len(n)]
    for (penalty in penalties) {
      fit <- survival::coxph(
        y ~ survival::ridge(z, theta = n * penalty, scale = FALSE), ties = "efron",
        control = survival::coxph.control(eps = 1e-13, toler.chol = 1e-15, iter.max = 100)
      )
      add(paste0("ties_30 of ", n), penalty, x, unname(stats::coef(fit)) / spread)
    }
  }

  x <- genes("scanb_60")
  d <- input("glmnet_path/scanb_60_outcome")
  y <- survival::Surv(rank(d$time, ties.method = "first"), d$event)
  fit <- glmnet::glmnet(x, y, family = "cox", alpha = 0, lambda = penalties, thresh = 1e-16, maxit = 1e7)
  for (i in seq_along(penalties)) add("scanb_60 without ties", penalties[[i]], x, as.matrix(fit$beta)[, i])

  write(do.call(rbind, rows), "coefficients")
}
