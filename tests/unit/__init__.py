"""Tests of what needs neither Home Assistant nor a network."""
