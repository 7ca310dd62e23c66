"""The command line of both packages: running an application, and what all commands share."""
