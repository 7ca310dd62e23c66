"""Penalised Cox paths: engines that fit them, cross-validation of the penalty, and optimality of a solution."""
