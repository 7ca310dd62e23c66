# Numbers that GSVA 1.46 takes from R, to the last bit, which decides near ties between genes.
#   Rscript r/make_gsva_tables.R
# writes sequoia_stats/data/gsva_tables.gz: doubles, little-endian, one after the other
#   10,001: pnorm at 0, .001, ..., 10, which GSVA tabulates before it estimates a density
#   64 x 64: ppois(k, l + .5) for k = 0..63 (down a column) and l = 0..63, where whole counts are likely to repeat

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
root <- normalizePath(file.path(dirname(script), ".."))
normal <- stats::pnorm(10 * (0:10000) / 10000)
counts <- 0:63
poisson <- outer(counts, counts + .5, stats::ppois)
con <- gzfile(file.path(root, "sequoia_stats", "data", "gsva_tables.gz"), "wb", compression = 9)
writeBin(c(normal, poisson), con, endian = "little")
close(con)
