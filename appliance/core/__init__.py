"""Pure values and decisions: nothing in this package reads a clock, a file or a socket."""
