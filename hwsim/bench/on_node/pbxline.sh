#!/bin/sh
# pbxline start|stop|status: the relay and Asterisk, as a careful installer would script them without asha.
# Heartbeat's resource.d runs it by this contract, and keepalived's notify script calls it.
PRIMARY=haprimary
CARD=/dev/ttyUSB0
SERVING=/run/pbxline.serving

relay() {
    [ "$(uname -n)" = "$PRIMARY" ] || return 0
    /usr/local/bin/rhinofailover "$CARD" "$1" 0
}

case "$1" in
start)
    touch "$SERVING"
    relay RELAYON
    pidof -x asterisk >/dev/null || /usr/local/sbin/asterisk </dev/null >/dev/null 2>&1
    ;;
stop)
    # The line first: its settling time on the other server is the longest of all.
    rm -f "$SERVING"
    relay RELAYOFF
    if pidof -x asterisk >/dev/null; then
        /usr/local/sbin/asterisk -rx 'core stop now' </dev/null >/dev/null 2>&1
    fi
    exit 0
    ;;
status)
    if [ -e "$SERVING" ]; then echo running; else echo stopped; fi
    ;;
esac
