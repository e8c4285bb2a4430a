"""A real Home Assistant, a real browser, a simulated building."""
