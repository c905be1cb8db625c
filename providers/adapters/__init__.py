"""One module per provider: configuration in, HTTP out. They know neither Django nor each other."""
