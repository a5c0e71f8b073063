"""The demonstration: scenarios played on a rack with real Heartbeat, measured from outside."""
