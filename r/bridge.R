# Functions that the Python bridge calls in R: a call that returns its error as a value, and versions.

# Call the function `name` of `functions` with the list `arguments`. The call is built from symbols, so that R's
# error shows it in a readable form, however large the arguments are. Warnings are collected, not printed.
bridge_call <- function(name, arguments, functions) {
  frame <- list2env(arguments, parent = functions)
  symbols <- stats::setNames(lapply(names(arguments), as.name), names(arguments))
  warned <- character()
  value <- tryCatch(
    withCallingHandlers(
      list(ok = TRUE, value = eval(as.call(c(as.name(name), symbols)), frame)),
      warning = function(w) {
        warned <<- c(warned, conditionMessage(w))
        invokeRestart("muffleWarning")
      }
    ),
    error = function(e) {
      call <- conditionCall(e)
      list(ok = FALSE, message = conditionMessage(e),
           call = if (is.null(call)) "" else paste(deparse(call, nlines = 2L), collapse = " "))
    }
  )
  c(value, list(warnings = warned))
}

# R's version and those of the named packages; "" if a package is not installed.
bridge_versions <- function(packages) {
  version <- function(package) {
    tryCatch(as.character(utils::packageVersion(package)), error = function(e) "")
  }
  c(list(R = as.character(getRversion())), stats::setNames(lapply(packages, version), packages))
}
