"""The nouns: frozen values that pass between rooms. No behaviour beyond naming, no imports of ours."""
