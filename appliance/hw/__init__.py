"""The hardware: the relay card, the tty it is plugged in at, the watchdog, and the list of drivers."""
