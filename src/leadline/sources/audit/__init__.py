"""Audit logs as kube-apiserver writes them, a JSON object a line. Nothing in them is trusted: any user can put text there."""
