"""Use cases over images: SBOM, vulnerabilities, signatures, and the vulnerability database."""
