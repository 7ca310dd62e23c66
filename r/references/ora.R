# stats::phyper and p.adjust: lists of real genes against the bundled collections, which R reads itself, and a grid of
# overlaps down to the smallest p.
packages <- "stats"

read_gmt <- function(file) {
  con <- base::gzfile(file.path(root, "sequoia_stats", "data", "genesets", file), "rt")
  on.exit(close(con))
  fields <- strsplit(readLines(con), "\t", fixed = TRUE)
  stats::setNames(lapply(fields, function(f) unique(f[-(1:2)])), vapply(fields, `[[`, "", 1))
}

upper_tail <- function(k, K, M, n) stats::phyper(k - 1, K, M - K, n, lower.tail = FALSE)

references <- function(input, write) {
  grid <- input("ora/grid")
  write(data.frame(id = grid$id, p = upper_tail(grid$overlap, grid$set_size, grid$universe, grid$list_size)), "grid")

  universe <- input("ora/universe")$id
  genes <- input("ora/lists")
  lists <- split(genes$gene, genes$list)
  files <- c(hallmark = "h.all.v2023.2.Hs.symbols.gmt.gz", kegg = "c2.cp.kegg_legacy.v2023.2.Hs.symbols.gmt.gz")
  for (collection in names(files)) {
    sets <- lapply(read_gmt(files[[collection]]), intersect, universe)
    sets <- sets[lengths(sets) >= 5 & lengths(sets) <= 5000]
    tables <- lapply(names(lists), function(name) {
      list <- intersect(lists[[name]], universe)
      overlap <- vapply(sets, function(set) length(intersect(set, list)), 1L)
      p <- upper_tail(overlap, lengths(sets), length(universe), length(list))
      data.frame(
        id = paste(name, names(sets)), overlap = overlap, set_size = lengths(sets), list_size = length(list),
        p = p, p_bh = stats::p.adjust(p, "BH")
      )
    })
    table <- do.call(rbind, tables)
    write(table[order(table$id, method = "radix"), ], collection)
  }
}
