"""Where alerts go: webhooks, whatever Apprise reaches, folders. Each is an `Outlet` (`monitor.ports`)."""
