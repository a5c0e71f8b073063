"""Spans and channels as DAHDI shows them. Every reader takes the root under which /proc, /sys and /dev are."""
