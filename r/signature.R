# Read and score a signature.json from plain R:
#   source("signature.R"); s <- read_signature("signature.json"); risk_score(s, expression)
# expression: numeric matrix, patients x genes, with the gene symbols of the signature as column names; former names
# of genes are not looked up, nor are patients that the signature was trained on (training$patients: sha256 of their
# ids), whose scores look better than those of new ones. Needs the package jsonlite.

read_signature <- function(path) {
  if (!requireNamespace("jsonlite", quietly = TRUE)) stop("install the R package jsonlite to read a signature")
  signature <- jsonlite::read_json(path)
  if (!isTRUE(signature$schema_version %in% 1:2)) {
    stop("this code reads schema versions 1 and 2, but the signature has ", signature$schema_version)
  }
  signature$genes <- as.character(unlist(signature$genes))
  signature$coefficients <- as.numeric(unlist(signature$coefficients))
  signature
}

# Rank-based inverse normal scores (Blom), ties averaged.
rank_normal <- function(x) stats::qnorm((rank(x) - 0.375) / (length(x) + 0.25))

# The transform of one gene, computed within this cohort ...
within_cohort <- function(x, name) {
  switch(name,
    rank = rank_normal(x),
    zscore = if (all(x == x[1])) numeric(length(x)) else (x - mean(x)) / stats::sd(x),
    log2 = log2(x + 1),
    none = x
  )
}

# ... or with the parameters of the training cohort.
with_parameters <- function(x, name, parameters) {
  switch(name,
    rank = {
      values <- as.numeric(unlist(parameters$values))
      scores <- as.numeric(unlist(parameters$scores))
      if (length(values) == 1L) rep(scores, length(x)) else stats::approx(values, scores, x, rule = 2)$y
    },
    zscore = if (parameters$sd == 0) numeric(length(x)) else (x - parameters$mean) / parameters$sd,
    log2 = log2(x + 1),
    none = x
  )
}

# Sum of coefficient x transformed expression for each patient; higher is worse. Genes that are absent or have
# missing values (on the cohort's scale also genes with a single value) are left out with a warning. It is an error if
# more than max_weight_lost of the weight is lost with them.
risk_score <- function(signature, expression, scale = c("cohort", "training"), max_weight_lost = 0.5) {
  scale <- match.arg(scale)
  name <- signature$transform$name
  within <- scale == "cohort" && name %in% c("rank", "zscore")
  if (within && length(signature$genes) && nrow(expression) < 20) {
    stop("fewer than 20 patients: use scale = \"training\" if the platforms agree")
  }
  usable <- vapply(signature$genes, function(gene) {
    if (!gene %in% colnames(expression)) return(FALSE)
    x <- expression[, gene]
    !anyNA(x) && !(within && all(x == x[1]))
  }, logical(1))
  weight <- abs(signature$coefficients)
  lost <- if (length(weight)) 1 - sum(weight[usable]) / sum(weight) else 0
  if (length(usable) && !any(usable)) stop("the expression has none of the genes of the signature")
  if (lost > max_weight_lost) {
    stop(sprintf("genes that are missing carry %.0f%% of the weight: %s", 100 * lost,
                 paste(signature$genes[!usable], collapse = ", ")))
  }
  if (any(!usable)) {
    warning(sprintf("%d of %d genes are left out, with %.1f%% of the weight: %s", sum(!usable), length(usable),
                    100 * lost, paste(signature$genes[!usable], collapse = ", ")))
  }
  score <- numeric(nrow(expression))
  for (i in which(usable)) {
    x <- expression[, signature$genes[i]]
    z <- if (scale == "cohort") within_cohort(x, name) else with_parameters(x, name, signature$transform$parameters[[i]])
    score <- score + signature$coefficients[i] * z
  }
  stats::setNames(score, rownames(expression))
}

# A score above the training median is high risk; a tie is low.
risk_group <- function(signature, score) ifelse(score > signature$cutoff, "high", "low")
