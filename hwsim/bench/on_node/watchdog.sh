#!/bin/sh
# The watchdog that asha 1.0.0-2 describes: looks for the Asterisk task every few seconds, and fails over without it.
while sleep "$1"; do
    if [ -e /run/pbxline.serving ] && ! pidof -x asterisk >/dev/null; then
        "$2"
    fi
done
