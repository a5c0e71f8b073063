"""What a browser or a program can ask for; each page says whom it answers."""
