# glmnet's Cox path on rank-transformed genes. The stored ranks become z = qnorm((r - 3/8) / (n + 1/4)).
packages <- "glmnet"  # survival only for Surv()

# The paths end while glmnet still converges at this threshold: further on, TCGA takes half a minute and stops early.
cases <- list(
  tcga_292 = list(alpha = 1, lambda.min.ratio = .3, thresh = 1e-14),
  scanb_60 = list(alpha = .5, lambda.min.ratio = .05, thresh = 1e-14),
  ties_30 = list(alpha = 1, lambda.min.ratio = .05, thresh = 1e-14),
  near_30 = list(alpha = 1, lambda.min.ratio = .05, thresh = 1e-14)
)

# glmnet adds 100 machine epsilons to censored times, which large times lose; a power of two keeps all differences.
in_reach <- function(time) if (max(time) < 64) time else time / 2^ceiling(log2(max(time)))

problem <- function(input, case) {
  ranks <- as.matrix(input(file.path("glmnet_path", paste0(case, "_ranks")))[-1])
  outcome <- input(file.path("glmnet_path", paste0(case, "_outcome")))
  arguments <- list(
    x = stats::qnorm((ranks - 3 / 8) / (nrow(ranks) + 1 / 4)),
    y = survival::Surv(in_reach(outcome$time), outcome$event), family = "cox"
  )
  if ("cox.ties" %in% names(formals(glmnet::glmnet))) arguments$cox.ties <- "breslow"
  c(arguments, cases[[case]])
}

# Nonzero coefficients in long form: step of the path, gene, value.
nonzero <- function(beta, ...) {
  at <- which(as.matrix(beta) != 0, arr.ind = TRUE)
  at <- at[order(at[, "col"], at[, "row"]), , drop = FALSE]
  data.frame(..., step = at[, "col"], gene = rownames(beta)[at[, "row"]], coefficient = as.matrix(beta)[at], row.names = NULL)
}

references <- function(input, write) {
  write(do.call(rbind, lapply(names(cases), function(name) data.frame(case = name, cases[[name]]))), "settings")
  for (case in names(cases)) {
    fit <- do.call(glmnet::glmnet, problem(input, case))
    write(data.frame(step = seq_along(fit$lambda), lambda = fit$lambda, n_nonzero = fit$df), paste0(case, "_lambdas"))
    write(nonzero(fit$beta), paste0(case, "_beta"))
  }
}
