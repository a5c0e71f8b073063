"""The process: web server with TLS, its certificate, its rights, and a web server before it."""
