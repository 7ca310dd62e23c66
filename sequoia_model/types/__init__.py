"""The types that all rooms share: the grid of tiles, the bag of features, units, devices."""
