"""Unattended installations: kickstart files for every release and role, and the media that carry them.

Not a part of the product: it runs where the packages are built. See README.md beside this file.
"""
