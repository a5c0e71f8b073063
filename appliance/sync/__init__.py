"""Synchronisation of the two nodes' data: pull, stage, verify, put in place.

The package imports from host, config and core only.
"""
