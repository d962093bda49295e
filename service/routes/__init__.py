"""The HTTP endpoints, one module per capability."""
