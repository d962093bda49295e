"""What every HTTP server needs: bounded connections, keys, headers, problems."""
