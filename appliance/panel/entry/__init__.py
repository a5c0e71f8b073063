"""Who gets in: users, their passwords, the first login, sessions, and what is kept for them."""
