"""Drivers of Kubernetes clusters: workloads, their rollouts, their pods, and nodes."""
