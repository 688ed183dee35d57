"""What files of other programs say of services: Compose, Prometheus, Alertmanager, Grafana."""
