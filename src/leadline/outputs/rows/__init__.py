"""What a report shows, ready to print: one row for each edit, package or image."""
