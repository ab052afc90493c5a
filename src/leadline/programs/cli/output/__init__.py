"""What is shown and where it is written: files and streams, the terminal, progress, the line about gates."""
