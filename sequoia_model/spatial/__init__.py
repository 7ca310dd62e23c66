"""Maps of genes over a slide: windows of tiles, the latent vectors of networks on them, and their means per tile."""
