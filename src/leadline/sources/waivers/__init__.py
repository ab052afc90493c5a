"""Where waivers come from: our own file, the exceptions of the ecosystem, marks on objects and lines."""
