"""Parameters of networks and encoders: the hub, safe readers of tensors, the published layouts."""
