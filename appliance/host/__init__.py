"""What the operating system gives: the clock, and processes started. Only this room does either."""
