"""The soak: hours of seeded faults on one pair that stays up, and what its agents and pages have grown by."""
