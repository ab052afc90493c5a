"""Waivers held against findings: the one matcher for posture and images. Knows ``model`` and ``kube``, reads no file."""
