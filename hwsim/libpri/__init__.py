"""Real libpri, the library that plays a D-channel for Asterisk: by ctypes, and in virtual time."""
