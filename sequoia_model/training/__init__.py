"""Networks learn: data, fitting, cross-validation, and the baselines beside them."""
