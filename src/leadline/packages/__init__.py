"""How packages and images are named, for every engine: references, package URLs, publishers' own names, and the documents that name them."""
