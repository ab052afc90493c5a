"""Where facts come from: all input lives here."""
