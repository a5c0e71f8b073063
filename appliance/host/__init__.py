"""Services of the operating system: only this package reads the clock and starts processes."""
