"""From what a command line asks for to a scan, its report and the exit code."""
