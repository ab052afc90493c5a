"""Signatures and attestations of images: what they claim, whether a key or an identity is behind, what a policy asks."""
