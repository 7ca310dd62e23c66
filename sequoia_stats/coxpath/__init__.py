"""LASSO Cox paths: engines, and the cross-validation that chooses the penalty."""
