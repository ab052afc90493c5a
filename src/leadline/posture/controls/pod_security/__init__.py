"""Rules of the Pod Security Standards that no other control asks in the same words."""
