"""Reports as PDF, set by typst from a template of ours; what was scanned goes in as data and is never its source."""
