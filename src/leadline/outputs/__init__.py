"""Where results go: all output lives here."""
