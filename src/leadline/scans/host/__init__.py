"""What is known of nodes in addition to their objects: collected, written, and read again for a scan."""
