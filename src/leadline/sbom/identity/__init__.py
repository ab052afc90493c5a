"""What an image and its packages are called, and how it runs."""
