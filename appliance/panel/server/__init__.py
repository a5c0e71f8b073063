"""Process of the panel: web server with TLS, its certificate, its rights, and a reverse proxy before it."""
