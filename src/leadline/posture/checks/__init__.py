"""Questions that several controls ask, by topic."""
