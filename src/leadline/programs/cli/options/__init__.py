"""The table of options, and who may fill them: the command line, variables, the user's file, a file that comes with the code."""
