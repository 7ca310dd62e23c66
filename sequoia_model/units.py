"""Units, by the one name that each has."""

#: What the networks predict, and what measured expression has to be in.
EXPRESSION = "log2(FPKM-UQ+1)"
