"""Tests of the drivers of Kubernetes clusters."""
