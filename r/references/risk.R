# Cross-validated risk scores compared within folds, with survival alone: scores are centred and scaled on the training
# patients of their fold, models and tests are stratified by fold, and clinical models are fitted to the other folds.
packages <- "survival"

references <- function(input, write) {
  Surv <- survival::Surv
  strata <- survival::strata
  patients <- input("risk/patients")
  scales <- input("risk/folds")
  models <- c("genes", "image")

  standard <- list()
  groups <- list()
  for (model in models) {
    own <- scales[scales$model == model, ]
    row <- match(patients$fold, own$fold)
    standard[[model]] <- (patients[[model]] - own$mean[row]) / own$sd[row]
    groups[[model]] <- ifelse(patients[[model]] > own$cutoff[row], "high", "low")
  }

  # the linear predictors of Cox models of the other folds' patients, in SDs of these patients
  crossed <- function(terms, d) {
    x <- stats::model.matrix(stats::reformulate(terms), d)[, -1]
    formula <- stats::as.formula(paste("Surv(time, event) ~", paste(terms, collapse = " + "), "+ strata(fold)"))
    risk <- numeric(nrow(d))
    group <- character(nrow(d))
    for (k in unique(d$fold)) {
      trains <- d$fold != k
      fit <- survival::coxph(formula, d[trains, ])
      linear <- drop(x[, names(stats::coef(fit))] %*% stats::coef(fit))
      own <- linear[trains]
      risk[!trains] <- (linear[!trains] - mean(own)) / stats::sd(own)
      group[!trains] <- ifelse(linear[!trains] > stats::median(own), "high", "low")
    }
    list(risk = risk, group = group)
  }

  d <- patients
  d$pam50 <- factor(d$pam50)
  clinical <- crossed(c("pam50", "er"), d)
  standard$clinical <- clinical$risk
  groups$clinical <- clinical$group

  c_index <- function(risk) {
    d$risk <- risk
    survival::concordance(Surv(time, event) ~ risk + strata(fold), d, reverse = TRUE)$concordance
  }
  rows <- list()
  for (model in names(standard)) {
    d$z <- standard[[model]]
    d$group <- groups[[model]]
    s <- summary(survival::coxph(Surv(time, event) ~ z + strata(fold), d))
    test <- survival::survdiff(Surv(time, event) ~ group + strata(fold), d)
    rows[[model]] <- data.frame(
      score = model, n = s$n, events = s$nevent, c_index = c_index(standard[[model]]),
      hr_per_sd = s$conf.int[1, "exp(coef)"], hr_low = s$conf.int[1, "lower .95"], hr_high = s$conf.int[1, "upper .95"],
      p = s$coefficients[1, "Pr(>|z|)"], logrank_p = stats::pchisq(test$chisq, 1, lower.tail = FALSE)
    )
  }
  write(do.call(rbind, rows), "comparison")

  gains <- list()
  terms <- list()
  reduced <- survival::coxph(Surv(time, event) ~ pam50 + er + strata(fold), d)
  for (model in models) {
    d$z <- standard[[model]]
    full <- survival::coxph(Surv(time, event) ~ z + pam50 + er + strata(fold), d)
    test <- stats::anova(reduced, full)
    both <- crossed(c("pam50", "er", "z"), d)
    gains[[model]] <- data.frame(
      score = model, c_clinical = c_index(clinical$risk), c_both = c_index(both$risk), chi2 = test$Chisq[2],
      p_lr = test[["Pr(>|Chi|)"]][2]
    )
    s <- summary(full)
    terms[[model]] <- data.frame(
      key = paste(model, rownames(s$coefficients), sep = "_"), hr = s$conf.int[, "exp(coef)"],
      low = s$conf.int[, "lower .95"], high = s$conf.int[, "upper .95"], p = s$coefficients[, "Pr(>|z|)"]
    )
  }
  write(do.call(rbind, gains), "gain")
  write(do.call(rbind, terms), "adjusted")
}
