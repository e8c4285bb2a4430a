"""Tests of the EnOS client: over real HTTP, against the simulator or a server of their own."""
