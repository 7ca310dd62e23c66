# survival::survdiff: groups by subtype, and by the median of the score.
packages <- "survival"

references <- function(input, write) {
  near <- paste0("near_", c("dates", "sums", "chain", "large", "tiny"))
  cohorts <- c("tcga_pfi", "scanb_os", "metabric_rfs", "tcga_6_months", "ties", near)
  tests <- list()
  for (cohort in cohorts) {
    d <- input(file.path("cohorts", cohort))
    d$half <- ifelse(d$score > stats::median(d$score), "high", "low")
    for (by in c("pam50", "half")) {
      fit <- survival::survdiff(survival::Surv(time, event) ~ d[[by]], data = d)
      case <- paste(cohort, by, sep = "_")
      df <- sum(fit$exp > 0) - 1
      write(data.frame(group = sort(unique(d[[by]])), n = as.integer(fit$n), observed = fit$obs, expected = fit$exp), case)
      tests[[case]] <- data.frame(
        case = case, statistic = fit$chisq, df = df, p_value = stats::pchisq(fit$chisq, df, lower.tail = FALSE)
      )
    }
  }
  write(do.call(rbind, tests), "tests")
}
