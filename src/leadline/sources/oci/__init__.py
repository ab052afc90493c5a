"""Images as OCI and Docker write them, wherever they lie: manifests, and layers whose bytes are checked as they pass."""
