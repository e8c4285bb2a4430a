"""Tests of the simulator, over real HTTP, with a signing helper of their own."""
