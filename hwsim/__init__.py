"""hwsim: a rack without hardware. It serves the interfaces the real things have and never imports the product."""
