"""The data kept in step: pull, stage, verify, put in place. Imports host, config and core only."""
