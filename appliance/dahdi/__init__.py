"""DAHDI spans and channels; every reader takes the root directory under which /proc, /sys and /dev lie."""
