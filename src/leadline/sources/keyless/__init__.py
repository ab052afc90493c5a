"""Keyless signatures: a certificate for an identity, valid for minutes, and a transparency log that says when it signed.

Sigstore's own library checks them, without the network. It is an extra, since it brings more packages than all else that a
scan of an image needs; so everything here is imported only where an image has such a signature.
"""
