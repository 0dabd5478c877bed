"""What the claims of speed and detection stand on: measured on real scenes, with the service's own parts."""
