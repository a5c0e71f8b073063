"""Pure values and decisions. Nothing here reads a clock, a file or a socket."""
