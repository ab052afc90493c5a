"""Waivers held against findings: the one matcher for posture and images. Knows ``model`` alone, reads no file."""
