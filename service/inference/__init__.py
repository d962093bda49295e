"""What a model says of a clip: features, windows, networks, and the bundles that hold them."""
