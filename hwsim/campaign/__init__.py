"""The fault campaign on the real rack: seeded rounds of faults, judged by what the rack itself sees."""
