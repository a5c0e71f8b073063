"""The looks of `asha check`: one file for each subject, and the registry that names them all.

A look sees something of this machine and has a judgement of `core.host_check` say whether it is right.
"""
