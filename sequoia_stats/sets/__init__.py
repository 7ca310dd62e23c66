"""Gene sets: collections, and the methods that score or test them (ORA, GSEA, GSVA)."""
