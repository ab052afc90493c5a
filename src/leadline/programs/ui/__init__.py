"""Pages: what is stored, found or scanned, answered to a browser. They are read alone: nothing is written."""
