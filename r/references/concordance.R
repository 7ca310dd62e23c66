# survival::concordance: Harrell's C with the pairs that it counts.
packages <- "survival"

references <- function(input, write) {
  near <- paste0("near_", c("dates", "sums", "chain", "large", "tiny"))
  rows <- list()
  for (cohort in c("tcga_pfi", "scanb_os", "metabric_rfs", "tcga_6_months", "ties", near)) {
    d <- input(file.path("cohorts", cohort))
    fit <- survival::concordance(survival::Surv(time, event) ~ score, d, reverse = TRUE)
    rows[[cohort]] <- data.frame(
      case = cohort, c_index = fit$concordance, concordant = fit$count[["concordant"]],
      discordant = fit$count[["discordant"]], tied_risk = fit$count[["tied.x"]]
    )
  }
  write(do.call(rbind, rows), "counts")
}
