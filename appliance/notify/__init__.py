"""Telling people: alerts in a queue on disk, and the ways out of it (mail, syslog, webhook, SNMP traps)."""
