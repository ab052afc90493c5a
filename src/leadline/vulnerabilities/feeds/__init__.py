"""One feed per file: how the documents of one publisher become facts. Found by the presence of the file."""
