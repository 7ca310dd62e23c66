# survival::coxph, cox.zph, survdiff and concordance with strata(): by subtype, and by strata drawn at random, of which
# one has no event and one a single patient.
packages <- "survival"

references <- function(input, write) {
  Surv <- survival::Surv
  strata <- survival::strata
  cohorts <- c("tcga_pfi", "scanb_os", "metabric_rfs", "ties", paste0("near_", c("dates", "chain")))
  models <- list()
  tests <- list()
  zph <- list()
  pairs <- list()
  differences <- list()
  log_rank <- function(d, case) {
    fit <- survival::survdiff(Surv(time, event) ~ group + strata(by), data = d)
    expected <- rowSums(fit$exp)
    write(data.frame(group = sort(unique(stats::na.omit(d$group))), observed = rowSums(fit$obs), expected = expected), case)
    df <- sum(expected > 0) - 1
    data.frame(case = case, statistic = fit$chisq, df = df, p_value = stats::pchisq(fit$chisq, df, lower.tail = FALSE))
  }
  # Harrell's C, and by how much each patient changes it
  harrell <- function(d, column) {
    survival::concordance(Surv(time, event) ~ d[[column]] + strata(by), d, reverse = TRUE, influence = 1)
  }
  for (cohort in cohorts) {
    d <- input(file.path("cohorts", cohort))
    d$drawn <- input(file.path("strata", sub("near_.*", "ties", cohort)))$stratum  # the same patients
    d$half <- ifelse(d$score > stats::median(d$score), "high", "low")
    for (by in c("pam50", "drawn")) {
      d$by <- d[[by]]
      case <- paste(cohort, by, sep = "_")
      for (ties in c("efron", "breslow")) {
        fit <- survival::coxph(Surv(time, event) ~ score + er + strata(by), d, ties = ties)
        s <- summary(fit)$coefficients
        key <- paste(case, ties, sep = "_")
        models[[key]] <- data.frame(
          case = key, n = fit$n, n_events = fit$nevent, n_missing = length(fit$na.action),
          log_likelihood_null = fit$loglik[[1]], log_likelihood = fit$loglik[[2]],
          coef_score = s[1, "coef"], se_score = s[1, "se(coef)"], coef_er = s[2, "coef"], se_er = s[2, "se(coef)"]
        )
        test <- survival::cox.zph(fit, transform = "km")$table
        zph[[key]] <- data.frame(case = key, score = test["score", "chisq"], er = test["er", "chisq"], global = test["GLOBAL", "chisq"])
      }
      for (groups in c("half", if (by == "drawn") "pam50")) {
        key <- paste(case, groups, sep = "_")
        d$group <- d[[groups]]
        tests[[key]] <- log_rank(d, key)
      }
      fit <- harrell(d, "score")
      counts <- if (is.matrix(fit$count)) colSums(fit$count) else fit$count
      pairs[[case]] <- data.frame(
        case = case, c_index = fit$concordance, concordant = counts[["concordant"]],
        discordant = counts[["discordant"]], tied_risk = counts[["tied.x"]]
      )
      known <- d[stats::complete.cases(d[c("er", "by")]), ]
      a <- harrell(known, "score")
      b <- harrell(known, "er")
      differences[[case]] <- data.frame(
        case = case, c_difference = a$concordance - b$concordance, se = sqrt(sum((a$dfbeta - b$dfbeta)^2))
      )
    }
  }
  for (table in c("models", "tests", "zph", "pairs", "differences")) write(do.call(rbind, get(table)), table)
}
