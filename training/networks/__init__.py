"""The networks: those trained here, and those that were trained elsewhere."""
