"""The dashboards of Grafana, made by code: `python -m deploy.grafana` writes `dashboards/*.json`.

Needs the extra `dashboards` (grafana-foundation-sdk). Grafana itself needs the files alone.
"""
