"""Readers of spatial transcriptomics: counts on spots, with their places on the slide."""
