# What the scripts of this folder share; sourced, never run.
# shellcheck shell=bash

say() { echo "asha: $*"; }

die() {
    echo "asha: $*" >&2
    exit 1
}

# shellcheck disable=SC2154 # each script says where the tree is
commit_time() { git -C "$tree" -c safe.directory='*' log -1 --format=%ct 2>/dev/null || echo 1700000000; }

# logged LOG WHAT COMMAND...: its words go to LOG; when it fails, the last of them are shown.
logged() {
    local log=$1 what=$2
    shift 2
    echo "=== $what: $*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null && return
    echo "asha: $what failed. The end of $log:" >&2
    tail -n 25 "$log" | sed 's/^/    /' >&2
    exit 1
}
