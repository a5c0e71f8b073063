"""Pacemaker on Corosync behind `cluster.engine`.

Their files, commands, process group and terms stay inside this folder.
"""
