"""What both packages stand on: errors with a place and a fix, whole outputs, results that print, the command line."""
