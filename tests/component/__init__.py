"""Tests of the integration inside a real Home Assistant, against the simulator over HTTP."""
