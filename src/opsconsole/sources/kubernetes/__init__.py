"""Kubernetes as the console reads it: kubeconfig, credentials, client, reflector."""
