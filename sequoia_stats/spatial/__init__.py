"""Maps judged against spatial transcriptomics: similarity, optimal transport, nulls, and gene modules."""
