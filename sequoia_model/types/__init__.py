"""Types that the whole package shares: the grid of tiles, the bag of features, units and devices."""
