# survival::survfit with the log-log band, its median, and the reverse curve's median (follow-up).
packages <- "survival"

references <- function(input, write) {
  near <- paste0("near_", c("dates", "sums", "chain", "large", "tiny"))
  cohorts <- c("tcga_pfi", "scanb_os", "metabric_rfs", "ties", "half", near)
  medians <- list()
  for (cohort in cohorts) {
    d <- input(file.path("cohorts", cohort))
    fit <- survival::survfit(survival::Surv(time, event) ~ 1, d, conf.type = "log-log")
    curve <- survival::survfit0(fit)
    write(
      data.frame(
        time = curve$time, at_risk = curve$n.risk, events = curve$n.event, censored = curve$n.censor,
        survival = curve$surv, low = curve$lower, high = curve$upper
      ),
      cohort
    )
    subgroups <- c(list(all = d), split(d, d$pam50))
    for (name in names(subgroups)) {
      g <- subgroups[[name]]
      own <- survival::survfit(survival::Surv(time, event) ~ 1, g, conf.type = "log-log")
      reverse <- survival::survfit(survival::Surv(time, 1 - event) ~ 1, g, conf.type = "log-log")
      half <- summary(own)$table
      medians[[paste(cohort, name)]] <- data.frame(
        case = paste(cohort, name), n = nrow(g), n_events = sum(g$event), median = half[["median"]],
        low = half[["0.95LCL"]], high = half[["0.95UCL"]], follow_up = summary(reverse)$table[["median"]]
      )
    }
  }
  write(do.call(rbind, medians), "medians")
}
