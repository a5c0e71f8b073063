"""The benchmark: how fast asha is, beside keepalived and a polling watchdog on the very same rack."""
