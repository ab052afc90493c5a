"""All that a format file imports: a format is a pure function from a report to text."""
