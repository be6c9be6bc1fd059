"""The doors of a running centre: an HTTP API on a Unix socket, and its clients."""
