"""Figures of services and their past: latency, metrics, objectives, budgets."""
