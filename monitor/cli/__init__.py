"""The command line: typer commands over the service, the store and the configuration."""
