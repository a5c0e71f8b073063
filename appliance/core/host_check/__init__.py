"""Judgements of `asha check`: whether what was seen of a host or a pair is right; values and functions only."""
