"""A fake /proc/dahdi and /sys that the real DAHDI tools accept (DAHDI_VIRT_TOP)."""
