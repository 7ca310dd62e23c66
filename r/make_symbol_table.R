# Makes sequoia_stats/data/gene_aliases.tsv.gz: former and alternative names of human genes, and the approved symbol.
#
#   Rscript r/make_symbol_table.R sequoia_stats/data/gene_aliases.tsv.gz
#
# Source: NCBI Gene (public domain) as packaged in Bioconductor's org.Hs.eg.db (Debian: r-bioc-org.hs.eg.db 3.16.0,
# NCBI Gene of 2022-09-12). An alias is kept if it names one gene only, is not an approved symbol itself, and looks
# like a symbol of four or more characters. Short or numbered words (G1, X12, GENE7) are left out, since they are
# names of columns at least as often as names of genes.
suppressMessages(library(org.Hs.eg.db))

target <- commandArgs(trailingOnly = TRUE)[1]
if (is.na(target)) stop("give the file to write: Rscript r/make_symbol_table.R TABLE.tsv.gz")

approved <- toTable(org.Hs.egSYMBOL)
pairs <- merge(toTable(org.Hs.egALIAS2EG), approved, by = "gene_id")
pairs <- pairs[!(pairs$alias_symbol %in% approved$symbol), c("alias_symbol", "symbol")]
times <- table(pairs$alias_symbol)
pairs <- pairs[pairs$alias_symbol %in% names(times)[times == 1], ]

symbol_like <- "^(?=.{4,})(?![A-Z]\\d+$)(?!GENE\\d+$)[A-Z][A-Z0-9-]+$|^C\\d+orf\\d+$"
pairs <- pairs[grepl(symbol_like, pairs$alias_symbol, perl = TRUE), ]
pairs <- pairs[order(pairs$alias_symbol, method = "radix"), ]

connection <- gzfile(target, "wb", compression = 9)
writeLines(c("alias\tsymbol", paste(pairs$alias_symbol, pairs$symbol, sep = "\t")), connection)
close(connection)
cat(nrow(pairs), "aliases written to", target, "\n")
