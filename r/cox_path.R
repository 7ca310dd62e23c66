# LASSO and elastic-net Cox paths by glmnet: min over b of -(2/n) log-likelihood + lambda * penalty, Breslow ties.

# x: patients x genes; event: 0/1; NULL leaves glmnet's own default. time: below 1, divided by a power of two, which
# keeps every difference: glmnet adds 100 machine epsilons to tell censorings from events at the same time, which would
# be lost in large times.
cox_path <- function(x, time, event, alpha, lambda_min_ratio, lambdas, n_lambda, thresh, maxit) {
  arguments <- list(
    x = x, y = survival::Surv(time, event), family = "cox",
    alpha = alpha, lambda = lambdas, nlambda = n_lambda, thresh = thresh, maxit = maxit
  )
  if (!is.null(lambda_min_ratio)) arguments$lambda.min.ratio <- lambda_min_ratio
  # glmnet 5 will change its default for ties.
  if ("cox.ties" %in% names(formals(glmnet::glmnet))) arguments$cox.ties <- "breslow"
  seconds <- system.time(fit <- do.call(glmnet::glmnet, arguments), gcFirst = FALSE)[["elapsed"]]
  list(lambdas = as.numeric(fit$lambda), coefficients = as.matrix(fit$beta), seconds = seconds)
}
