"""What a service in production is surrounded by; none of it is imported by the service."""
