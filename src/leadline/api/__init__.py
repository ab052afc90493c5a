"""What is stored: five verbs over the objects of the served kinds, and the carriers that keep them."""
