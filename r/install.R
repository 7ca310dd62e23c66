# Installs the missing R packages that sequoia needs, from CRAN and Bioconductor.
#   Rscript r/install.R            installs them (a C, C++ and Fortran compiler is needed)
#   Rscript r/install.R --missing  only prints their names
packages <- c("glmnet", "survival", "jsonlite", "psych", "ape", "GSVA")
missing <- packages[!vapply(packages, function(p) nzchar(system.file(package = p)), logical(1))]

if ("--missing" %in% commandArgs(trailingOnly = TRUE)) {
  cat(missing)
  quit(status = 0)
}
if (getRversion() < "4.2") stop("R ", getRversion(), " is too old: 4.2 or later is needed")
if (length(missing) == 0) {
  message("Nothing is missing: ", paste(packages, collapse = ", "))
  quit(status = 0)
}

message("Installing: ", paste(missing, collapse = ", "))
if ("@CRAN@" %in% getOption("repos")) chooseCRANmirror(ind = 1)
if ("GSVA" %in% missing && !requireNamespace("BiocManager", quietly = TRUE)) install.packages("BiocManager")
from_cran <- setdiff(missing, "GSVA")
if (length(from_cran)) install.packages(from_cran)
if ("GSVA" %in% missing) BiocManager::install("GSVA", update = FALSE, ask = FALSE)

missing <- packages[!vapply(packages, function(p) nzchar(system.file(package = p)), logical(1))]
if (length(missing)) stop("could not be installed: ", paste(missing, collapse = ", "))
