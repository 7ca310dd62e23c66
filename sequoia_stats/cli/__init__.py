"""The command line: ``sequoia-stats``."""
