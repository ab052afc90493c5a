"""What programs that live long have in common: a certificate of their own, a TLS socket, requests to kube-apiserver, settings.

It knows no program.
"""
