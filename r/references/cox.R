# survival::coxph with both treatments of ties: the score alone, and adjusted for subtype, ER and PR.
packages <- "survival"

references <- function(input, write) {
  near <- paste0("near_", c("dates", "sums", "chain", "large", "tiny"))
  # where the iterations run out, R takes the standard errors of several terms from a matrix that it has not decomposed
  diverging <- c("in_order", "three_first")
  cohorts <- c("tcga_pfi", "scanb_os", "metabric_rfs", "tcga_6_months", "ties", near, "early_level", diverging)
  formulas <- list(
    unadjusted = survival::Surv(time, event) ~ score,
    adjusted = survival::Surv(time, event) ~ score + pam50 + er + pr
  )
  models <- list()
  for (cohort in cohorts) for (ties in c("efron", "breslow")) for (model in names(formulas)) {
    if (cohort %in% diverging && model == "adjusted") next
    d <- input(file.path("cohorts", cohort))
    warned <- ""
    fit <- withCallingHandlers(
      survival::coxph(formulas[[model]], d, ties = ties),
      warning = function(w) {
        warned <<- paste(c(if (nzchar(warned)) warned, conditionMessage(w)), collapse = "; ")
        invokeRestart("muffleWarning")
      }
    )
    # the same patients without the score, for the likelihood ratio test
    used <- d[stats::complete.cases(d[c("score", if (model == "adjusted") c("pam50", "er", "pr"))]), ]
    smaller <- if (model == "adjusted") suppressWarnings(survival::coxph(survival::Surv(time, event) ~ pam50 + er + pr, used, ties = ties)) else
      survival::coxph(survival::Surv(time, event) ~ 1, used, ties = ties)
    test <- stats::anova(smaller, fit)
    case <- paste(cohort, model, ties, sep = "_")
    s <- summary(fit)
    write(
      data.frame(
        term = sub("^pam50", "pam50: ", rownames(s$coefficients)), coef = s$coefficients[, "coef"],
        se = ifelse(is.na(s$coefficients[, "coef"]), NA, s$coefficients[, "se(coef)"]), hr = s$conf.int[, "exp(coef)"],
        low = s$conf.int[, "lower .95"], high = s$conf.int[, "upper .95"],
        z = s$coefficients[, "z"], p = s$coefficients[, "Pr(>|z|)"]
      ),
      case
    )
    models[[case]] <- data.frame(
      case = case, n = fit$n, n_events = fit$nevent, n_missing = length(fit$na.action),
      log_likelihood_null = fit$loglik[[1]], log_likelihood = fit$loglik[[2]],
      no_estimate = sum(is.na(fit$coefficients)), lr_chi2 = test$Chisq[[2]], lr_df = test$Df[[2]], lr_p = test[[grep("^P", names(test))]][[2]],
      infinite = as.integer(nzchar(warned)), warning = warned
    )
  }
  write(do.call(rbind, models), "models")
}
