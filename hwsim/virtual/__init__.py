"""The pair in virtual time: a simulated metal, network and Heartbeat, and the shipped controller on both nodes.

This is the one room of hwsim that may import the product, and of the product only `appliance.core`: what is proved
here is the object that ships (docs/adr/0018-one-controller.md). Everything else here is written from the facts in
docs/facts, not from the product.
"""
