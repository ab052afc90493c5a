"""The command line. One command is one file here: its name is the file's name, its ``command`` the click command."""
