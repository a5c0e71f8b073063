"""Alerts to people: a queue on disk, and the ways out of it (mail, syslog, webhook, SNMP traps)."""
