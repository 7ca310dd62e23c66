# The log partial likelihood at given log-hazards (coxph with no iteration), Efron and Breslow, and its gradient by each
# log-hazard, which is the martingale residual.
packages <- "survival"

references <- function(input, write) {
  near <- paste0("near_", c("dates", "sums", "chain", "large", "tiny"))
  cohorts <- list(ties = c("ties", near), tcga_pfi = "tcga_pfi")
  values <- list()
  gradients <- list()
  for (patients in names(cohorts)) {
    told <- input(file.path("cox_loss", patients))
    for (cohort in cohorts[[patients]]) {
      d <- input(file.path("cohorts", cohort))
      for (column in setdiff(names(told), "id")) for (ties in c("efron", "breslow")) {
        fit <- survival::coxph(
          survival::Surv(d$time, d$event) ~ told[[column]], init = 1, ties = ties,
          control = survival::coxph.control(iter.max = 0)
        )
        case <- paste(cohort, column, ties)
        values[[case]] <- data.frame(
          case = case, cohort = cohort, column = column, ties = ties, log_likelihood = fit$loglik[[2]]
        )
        if (patients == "ties") gradients[[case]] <- unname(stats::residuals(fit, "martingale"))
      }
    }
  }
  write(do.call(rbind, values), "values")
  write(data.frame(id = input("cox_loss/ties")$id, gradients, check.names = FALSE), "gradients")
}
