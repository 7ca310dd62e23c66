"""What both packages share: errors with a place and a fix, tables, outputs, runs, results, the command line."""
