"""The command line ``sequoia-model``."""
