"""The simulated relay card: its model, its wire, the tty it is plugged in as, and the vendor's tool."""
