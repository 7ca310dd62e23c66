# survival::cox.zph of the models of cox.R, except where coxph runs out of iterations; and with the subtype alone.
packages <- "survival"

references <- function(input, write) {
  cohorts <- c("tcga_pfi", "scanb_os", "metabric_rfs", "ties", paste0("near_", c("dates", "sums", "chain")))
  formulas <- list(
    unadjusted = survival::Surv(time, event) ~ score,
    subtype = survival::Surv(time, event) ~ pam50,
    adjusted = survival::Surv(time, event) ~ score + pam50 + er + pr
  )
  rows <- list()
  for (cohort in cohorts) for (ties in c("efron", "breslow")) for (model in names(formulas)) {
    d <- input(file.path("cohorts", cohort))
    fit <- survival::coxph(formulas[[model]], d, ties = ties)
    table <- survival::cox.zph(fit, transform = "km")$table
    case <- paste(cohort, model, ties, sep = "_")
    rows[[case]] <- data.frame(
      row = paste(case, rownames(table)), case = case, term = rownames(table), chi2 = table[, "chisq"],
      df = table[, "df"], p = table[, "p"]
    )
  }
  write(do.call(rbind, rows), "tests")
}
