# survival::coxph with a factor of integer codes: default levels, another reference, ordered, with unused levels; and
# survival::survdiff with groups that are missing.
packages <- "survival"

references <- function(input, write) {
  models <- list()
  tests <- list()
  for (cohort in c("tcga_pfi", "scanb_os", "metabric_rfs", "ties")) {
    d <- input(file.path("cohorts", cohort))
    code <- match(d$pam50, c("LumA", "Basal", "LumB", "Her2", "Normal", "claudin-low"))
    factors <- list(
      default = factor(code),
      releveled = factor(code, levels = c(3, 1, 2, 4, 5, 6)),
      unused = factor(code, levels = 0:9),
      boolean = factor(code > 1)
    )
    for (name in names(factors)) {
      d$g <- droplevels(factors[[name]])
      fit <- survival::coxph(survival::Surv(time, event) ~ g + er, d)
      case <- paste(cohort, name, sep = "_")
      s <- summary(fit)$coefficients
      terms <- sub("TRUE$", "True", sub("^g", "g: ", rownames(s)))
      write(data.frame(term = terms, coef = s[, "coef"], se = s[, "se(coef)"], p = s[, "Pr(>|z|)"]), case)
      models[[case]] <- data.frame(
        case = case, n = fit$n, n_missing = length(fit$na.action), log_likelihood = fit$loglik[[2]]
      )
    }
    test <- survival::survdiff(survival::Surv(time, event) ~ er, data = d)
    tests[[cohort]] <- data.frame(
      case = cohort, n = sum(test$n), statistic = test$chisq, observed = test$obs[[1]], expected = test$exp[[1]]
    )
  }
  write(do.call(rbind, models), "models")
  write(do.call(rbind, tests), "tests")
}
