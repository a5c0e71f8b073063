"""What the hardware is: the relay card and where it is plugged in, the watchdog, the drivers there are."""
