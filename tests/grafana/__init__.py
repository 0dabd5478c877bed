"""The dashboards of deploy/grafana."""
