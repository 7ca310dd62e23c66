"""Weights of networks and encoders: the hub, the safe reader of tensors, the layouts on disk."""
