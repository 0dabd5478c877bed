"""Thresholds of alerts from what a deployment's own quiet ground did."""
