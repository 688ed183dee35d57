"""Prometheus and Alertmanager: queries, rules, alerts, silences."""
