# Makes R's values for the parity tests. From the root of the checkout:
#   Rscript r/make_references.R [FOLDER [METHOD ...]]
# reads tests/parity/<method>/inputs/*.tsv and writes FOLDER/<method>/expected/*.tsv (FOLDER: tests/parity).
# Each method has a file r/references/<method>.R with a function references(input, write) and the names of its
# packages in `packages`. Tables are tab-separated, with 17 digits per number; the first column is the key.

invisible(Sys.setlocale("LC_COLLATE", "C"))  # the first level of a factor must not depend on the machine
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
root <- normalizePath(file.path(dirname(script), ".."))
arguments <- commandArgs(trailingOnly = TRUE)
target <- if (length(arguments)) arguments[[1]] else file.path(root, "tests", "parity")
methods <- if (length(arguments) > 1) arguments[-1] else
  sub("\\.R$", "", list.files(file.path(root, "r", "references"), pattern = "\\.R$"))

# input("cohorts/ties"): the table tests/parity/cohorts/inputs/ties.tsv
input <- function(name) {
  file <- file.path(root, "tests", "parity", dirname(name), "inputs", paste0(basename(name), ".tsv"))
  utils::read.delim(file, check.names = FALSE, stringsAsFactors = FALSE)
}

write_tsv <- function(table, file) {
  text <- function(column) {
    if (!is.numeric(column)) return(gsub("[\t\n]", " ", as.character(column)))
    ifelse(is.na(column), "NA", ifelse(is.infinite(column), ifelse(column > 0, "inf", "-inf"), sprintf("%.17g", column)))
  }
  dir.create(dirname(file), recursive = TRUE, showWarnings = FALSE)
  con <- base::file(file, "wb")  # the same line endings on every system
  on.exit(close(con))
  cells <- do.call(cbind, lapply(table, text))
  writeLines(c(paste(names(table), collapse = "\t"), apply(cells, 1, paste, collapse = "\t")), con)
}

run <- function(method) {
  definition <- new.env()  # its parent is the global environment, which holds `root`
  sys.source(file.path(root, "r", "references", paste0(method, ".R")), definition)
  folder <- file.path(target, method, "expected")
  definition$references(input, function(table, name) write_tsv(table, file.path(folder, paste0(name, ".tsv"))))
  versions <- vapply(definition$packages, function(p) as.character(utils::packageVersion(p)), "")
  write_tsv(
    data.frame(package = c("R", definition$packages), version = c(as.character(getRversion()), versions)),
    file.path(folder, "versions.tsv")
  )
}

for (method in methods) run(method)
