# cv.glmnet with lambda = NULL (each fold has a path of its own) and given folds; and those folds' own paths.
packages <- "glmnet"  # survival only for Surv()

references <- function(input, write) {
  path <- new.env()
  sys.source(file.path(root, "r", "references", "glmnet_path.R"), path)
  chosen <- list()
  for (case in names(path$cases)) {
    arguments <- path$problem(input, case)
    foldid <- input(file.path("glmnet_cv", paste0(case, "_foldid")))$foldid
    cv <- do.call(glmnet::cv.glmnet, c(arguments, list(foldid = foldid)))
    write(
      data.frame(step = seq_along(cv$lambda), lambda = cv$lambda, mean = cv$cvm, se = cv$cvsd, n_nonzero = cv$nzero),
      paste0(case, "_curve")
    )
    chosen[[case]] <- data.frame(case = case, lambda_min = cv$lambda.min, lambda_1se = cv$lambda.1se)
    if (case == "tcga_292") next  # large; the others suffice for the arithmetic
    fits <- lapply(sort(unique(foldid)), function(k) {
      own <- arguments
      own$x <- arguments$x[foldid != k, ]
      own$y <- arguments$y[foldid != k]
      do.call(glmnet::glmnet, own)
    })
    lambdas <- lapply(seq_along(fits), function(k) data.frame(fold = k, step = seq_along(fits[[k]]$lambda), lambda = fits[[k]]$lambda))
    write(do.call(rbind, lambdas), paste0(case, "_fold_lambdas"))
    write(do.call(rbind, lapply(seq_along(fits), function(k) path$nonzero(fits[[k]]$beta, fold = k))), paste0(case, "_fold_beta"))
  }
  write(do.call(rbind, chosen), "chosen")
}
