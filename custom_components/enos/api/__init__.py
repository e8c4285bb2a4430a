"""EnOS over HTTP. Knows nothing of Home Assistant."""
