"""What is known of nodes besides their objects: collected, written, and read again for a scan."""
