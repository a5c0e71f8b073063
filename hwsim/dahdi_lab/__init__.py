"""Real DAHDI without a card: virtual machines with its kernel modules, a line of TDMoE between them, and libpri on top.

`setup.sh dahdi` makes what a machine is started with, in out/dahdi. docs/dahdi-lab.md tells what is seen.
"""
