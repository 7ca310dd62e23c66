# stats::chisq.test without Yates' correction of folds by levels, and stats::kruskal.test of numbers by folds.
packages <- "stats"

references <- function(input, write) {
  tests <- list()
  for (case in c("even", "leaning", "two", "numbers", "tied")) {
    d <- input(file.path("fold_association", case))
    test <- if (case %in% c("numbers", "tied")) stats::kruskal.test(d$value, d$fold)
      else stats::chisq.test(table(d$value, d$fold), correct = FALSE)
    tests[[case]] <- data.frame(
      case = case, statistic = unname(test$statistic), df = unname(test$parameter), p = test$p.value
    )
  }
  write(do.call(rbind, tests), "tests")
}
