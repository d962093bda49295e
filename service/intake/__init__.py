"""The way of an upload: its place, its bytes, its worker, its answer."""
