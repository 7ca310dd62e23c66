"""Spatial maps: what `sequoia-model map` writes and both packages read."""
