"""A rack without hardware: hwsim serves the interfaces of the real things and never imports the product."""
