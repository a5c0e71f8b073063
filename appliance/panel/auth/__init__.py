"""Login to the panel: users, their passwords, the first login, sessions, and the files kept for them."""
