#!/bin/sh
# keepalived's notify script: TYPE NAME STATE PRIORITY.
echo "$3" >/run/vrrp.state
case "$3" in
MASTER)
    /usr/local/sbin/pbxline start
    # Tells the track file when Asterisk dies; see hwsim/bench/keepalived.py.
    setsid /usr/local/sbin/deathwatch /var/run/asterisk/asterisk.pid /run/pbxline.dead /run/pbxline.serving \
        </dev/null >/dev/null 2>&1 &
    ;;
*)
    /usr/local/sbin/pbxline stop
    ;;
esac
