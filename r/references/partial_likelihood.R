# Breslow's log-likelihood and its gradient at given coefficients (coxph with no iteration), and glmnet's deviance.
packages <- c("survival", "glmnet")

references <- function(input, write) {
  path <- new.env()
  sys.source(file.path(root, "r", "references", "glmnet_path.R"), path)
  betas <- input("partial_likelihood/betas")
  terms <- c("score", "er", "pr")
  rows <- list()
  for (cohort in c("tcga_pfi", "scanb_os", "metabric_rfs", "ties", paste0("near_", c("dates", "sums", "chain", "large")))) {
    d <- input(file.path("cohorts", cohort))
    d <- d[stats::complete.cases(d[terms]), ]
    x <- as.matrix(d[terms])
    y <- survival::Surv(d$time, d$event)
    within <- survival::Surv(path$in_reach(d$time), d$event)
    for (b in seq_len(nrow(betas))) {
      beta <- unlist(betas[b, terms])
      fit <- survival::coxph(y ~ x, init = beta, ties = "breslow", control = survival::coxph.control(iter.max = 0))
      score <- colSums(survival::coxph.detail(fit)$score)
      deviance <- glmnet::coxnet.deviance(pred = x %*% beta, y = within)
      rows[[length(rows) + 1]] <- data.frame(
        case = paste(cohort, betas$id[[b]]), cohort = cohort, beta = betas$id[[b]], log_likelihood = fit$loglik[[2]],
        score = score[[1]], er = score[[2]], pr = score[[3]], deviance = deviance
      )
    }
  }
  write(do.call(rbind, rows), "values")
}
