"""What an image and its packages are called, and how it runs."""

PUBLIC_MODULES = ("accounts", "address", "config", "distro", "package_url", "places", "reference")
