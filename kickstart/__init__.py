"""Unattended installations: kickstart files for every release and role, and the media that carry them.

This package is no part of the product: it runs where the packages are built. See README.md beside this file.
"""
