#!/usr/bin/env bash
# Bring this machine to where asha can be checked, tested and shown.
#
#   setup.sh system   the programs that a demo or a test of the whole drives: Debian packages, needs root
#   setup.sh tools    .venv with the pinned Python packages and asha itself, editable
#   setup.sh site     what builds the documentation as a site: pinned Python packages, in out/site-venv
#   setup.sh browser  what looks at the panel's pages: Chromium as a Debian package, needs root; axe-core into out/
#   setup.sh pypy     what plays a long campaign in virtual time faster: PyPy, unpacked into out/pypy
#   setup.sh asterisk a real Asterisk for the simulated nodes: the root of a Debian that has one, in out/asterisk, needs root
#   setup.sh dahdi    what a virtual machine with DAHDI is made of: kernel, DAHDI's modules, libpri, QEMU, into out/dahdi, needs root
#   setup.sh ansible  what lints and plays the role of deploy/ansible: pinned Python packages into out/ansible
#   setup.sh rpm      what builds the RPMs and .debs, the private runtime and the media to install from, and tries them: Debian packages, needs root
#
# What apt and pip say goes to out/setup.log. A second run finds everything in place and says nothing.
# No service is ever started: neither now nor, of the newly installed ones, at the next boot.

set -euo pipefail
cd "$(dirname "$0")"

LOG=out/setup.log
POLICY=/usr/sbin/policy-rc.d
POLICY_MARK="# Put here by asha's setup.sh for as long as it installs packages."

# Debian package, and what to look for on a system that is not Debian.
NEEDED="
heartbeat        cl_status
corosync         corosync
pacemaker        pacemakerd
pacemaker-cli-utils crm_mon
libcpg4          -
resource-agents  /usr/lib/ocf/resource.d/heartbeat/IPaddr2
libxml2-utils    xmllint
iproute2         ip
iputils-arping   arping
iputils-ping     ping
rsync            rsync
openssh-server   sshd
openssh-client   ssh
dahdi            dahdi_genconf
libpri1.4        -
sqlite3          sqlite3
openssl          openssl
keepalived       keepalived
procps           ps
psmisc           killall
util-linux       unshare
gcc              gcc
libc6-dev        -
nftables         nft
"

NEEDED_FOR_RPM="
rpm               rpmbuild
rpmlint           rpmlint
createrepo-c      createrepo_c
gcc               gcc
make              make
musl-tools        musl-gcc
linux-libc-dev    /usr/include/linux/version.h
python3.11        python3.11
perl              perl
tcl               tclsh
bzip2             bzip2
xz-utils          xz
cpio              cpio
busybox-static    busybox
systemd-container systemd-nspawn
xorriso           xorriso
mtools            mcopy
isomd5sum         implantisomd5
apache2-bin       apache2
tzdata            /usr/share/zoneinfo/UTC
lintian           lintian
mmdebstrap        mmdebstrap
apt-utils         apt-ftparchive
gnupg             gpg
"

NEEDED_FOR_BROWSER="
chromium         chromium
curl             curl
fonts-dejavu-core -
"

# The accessibility checks, as npm has them, and what they must be.
AXE_VERSION=4.10.3
AXE_SHA512=5e6edba515e70d25f6604d9815f064d859c5d1ea7ab661bbc4f87c88779ef0c21cae0abbeb636471ef39e9d62d2582e4b88a1866f19f4ecfcf6d986275e4dc12
AXE_FROM=https://registry.npmjs.org/axe-core/-/axe-core-$AXE_VERSION.tgz
AXE=out/axe-core-$AXE_VERSION.js

# PyPy, as the first Debian with one of Python 3.11 has it. It is only unpacked, with every library that it loads: nothing
# of it is installed, so that the machine may be another Debian.
PYPY_SUITE=trixie
PYPY_VERSION=7.3.19+dfsg-2
PYPY=out/pypy

# The last Debian with Asterisk; it is run by chroot on the rack's nodes (hwsim/asterisk/real.py).
ASTERISK_SUITE=bullseye
ASTERISK_PACKAGES=asterisk,asterisk-voicemail,asterisk-core-sounds-en-gsm,sqlite3
# It moves from the one to the other when Debian retires it.
ASTERISK_MIRRORS=${ASTERISK_MIRRORS:-http://deb.debian.org/debian http://archive.debian.org/debian}
ASTERISK=out/asterisk

say() { echo "asha: $*"; }

die() {
    echo "asha: $*" >&2
    exit 1
}

die_with_log() {
    echo "asha: $* The end of $LOG:" >&2
    awk '/^=== / { lines = 0 } { line[++lines] = $0 }
        END { for (i = (lines > 25 ? lines - 24 : 1); i <= lines; i++) print "    " line[i] }' "$LOG" >&2
    exit 1
}

start_log() {
    { mkdir -p out && echo "=== $(date '+%F %T') setup.sh $*" >>"$LOG"; } 2>/dev/null ||
        die "$PWD/out cannot be written by $(id -un). Run the same command as the owner of this folder."
}

# ---------------------------------------------------------------- system

# $1: a list such as NEEDED.
missing_packages() {
    local package program
    while read -r package program; do
        [[ -n $package ]] || continue
        is_there "$package" "$program" || echo "$package"
    done <<<"$1"
}

is_there() {
    if command -v dpkg-query >/dev/null; then
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
    else
        [[ $2 == - ]] || PATH=$PATH:/usr/sbin:/sbin command -v "$2" >/dev/null
    fi
}

is_root() { [[ $(id -u) == 0 ]]; }

set_up_system() {
    local missing
    missing=$(missing_packages "$NEEDED" | paste -sd' ')
    is_root || die "This needs root, because it makes network namespaces and runs Heartbeat in them${missing:+"; also not installed: $missing"}. Run the same command as root."
    unshare --net --mount true 2>/dev/null ||
        die "This machine does not let root make network namespaces; a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN."
    [[ -z $missing ]] || install_packages "$missing"
}

# $1: names with a space between.
install_packages() {
    is_root || die "Not installed: $1. Run the same command as root, or install them."
    command -v apt-get >/dev/null || die "Not installed: $1. There is no apt-get here, so install them by hand."
    # dahdi wants its kernel modules in one form or the other; the sources are the form that builds nothing.
    local wanted=" $1 "
    wanted=${wanted/ dahdi / dahdi dahdi-source }
    start_log "installs$wanted"
    exec 8</var/lib/dpkg
    flock 8 # two of us would take each other's policy-rc.d away
    trap leave_services_quiet EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    services_before=$(services)
    hold_services
    say "installing Debian packages: $1"
    apt update || true # an unreachable extra archive is no reason to stop
    # shellcheck disable=SC2086
    apt install --no-install-recommends --download-only $wanted || die_with_log "apt-get could not fetch: $1."
    # Its own session: an interrupt waits until no package is half installed.
    # shellcheck disable=SC2086
    in_own_session=yes apt install --no-install-recommends $wanted || die_with_log "apt-get could not install: $1."
}

apt() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 ${in_own_session:+setsid --wait} \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@" \
        </dev/null >>"$LOG" 2>&1 8<&-
}

hold_services() {
    if [[ -e $POLICY ]] && ! grep -qxF "$POLICY_MARK" "$POLICY"; then
        return # somebody else's: it stays as it is
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$POLICY"
    chmod 755 "$POLICY"
    policy_is_ours=yes
}

services() {
    find /etc/init.d /lib/systemd/system -maxdepth 1 -type f \
        \( -path '/etc/init.d/*' -o -name '*.service' -o -name '*.socket' \) -printf '%f\n' 2>/dev/null |
        sed 's/\.service$//' | grep -vx procps | sort -u # procps only sets sysctls at boot
}

# Whatever way we leave: no service of a new package runs, or will at the next boot.
leave_services_quiet() {
    trap '' INT TERM HUP
    local service
    for service in $(comm -13 <(echo "$services_before") <(services)); do
        disable "$service" >>"$LOG" 2>&1 8<&- || true
    done
    [[ -z ${policy_is_ours:-} ]] || rm -f "$POLICY"
}

disable() {
    [[ ! -d /run/systemd/system ]] || systemctl stop "$1"
    [[ ! -e /etc/init.d/$1 ]] || update-rc.d "$1" disable
    ! command -v systemctl >/dev/null || systemctl disable "$1"
}

set_up_rpm() {
    local missing
    missing=$(missing_packages "$NEEDED_FOR_RPM" | paste -sd' ')
    [[ -z $missing ]] || install_packages "$missing"
}

set_up_browser() {
    local missing
    missing=$(missing_packages "$NEEDED_FOR_BROWSER" | paste -sd' ')
    # In a shell of its own, because its end puts the machine's services back to rest.
    [[ -z $missing ]] || ( install_packages "$missing" ) || exit 1
    [[ -f $AXE ]] || fetch_axe
}

fetch_axe() {
    start_log "fetches axe-core $AXE_VERSION"
    local folder
    folder=$(mktemp -d out/axe.XXXXXX)
    curl --fail --silent --show-error --location --max-time 120 -o "$folder/package.tgz" "$AXE_FROM" >>"$LOG" 2>&1 &&
        echo "$AXE_SHA512  $folder/package.tgz" | sha512sum --check --quiet >>"$LOG" 2>&1 &&
        tar -C "$folder" -xzf "$folder/package.tgz" package/axe.min.js >>"$LOG" 2>&1 ||
        { rm -rf "$folder"; die_with_log "axe-core $AXE_VERSION could not be fetched, or is not what it was."; }
    mv "$folder/package/axe.min.js" "$AXE" # whole or not at all
    rm -rf "$folder"
}

# ---------------------------------------------------------------- pypy

set_up_pypy() {
    exec 9<.
    flock 9
    [[ $(cat $PYPY/version 2>/dev/null) != "$PWD $PYPY_VERSION" ]] || return 0
    command -v apt-get >/dev/null || die "PyPy comes from Debian's packages, and there is no apt-get here."
    start_log "unpacks PyPy $PYPY_VERSION"
    say "unpacking PyPy $PYPY_VERSION into $PYPY"
    rm -rf "$PYPY" "$PYPY.new"
    fetch_pypy "$PWD/$PYPY.new" || die_with_log "PyPy $PYPY_VERSION could not be fetched."
    mv "$PYPY.new" "$PYPY" # whole or not at all
}

# $1: where to, a full path. apt looks after the signatures; its lists and its status are of this folder alone.
fetch_pypy() {
    local mirror archive
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
    [[ -n $mirror ]] || { say "no archive of Debian's is known here" >>"$LOG"; return 1; }
    mkdir -p "$1"/state/lists/partial "$1"/cache/archives/partial "$1"/root || return 1
    : >"$1/status"
    echo "deb $mirror $PYPY_SUITE main" >"$1/sources.list"
    local own=(-o Dir::State="$1/state" -o Dir::State::status="$1/status" -o Dir::Cache="$1/cache"
        -o Dir::Etc::SourceList="$1/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Acquire::Languages=none)
    apt "${own[@]}" update &&
        apt "${own[@]}" --no-install-recommends --download-only install "pypy3=$PYPY_VERSION" || return 1
    for archive in "$1"/cache/archives/*.deb; do
        dpkg-deb -x "$archive" "$1/root" >>"$LOG" 2>&1 || return 1
    done
    rm -rf "$1"/state "$1"/cache "$1"/status "$1"/sources.list "$1"/lock*
    write_pypy "$1" "$PWD/$PYPY/root" && echo "$PWD $PYPY_VERSION" >"$1/version"
}

# $1: the folder; $2: where its root will be. Its own loader finds its own libraries, whatever this machine has.
write_pypy() {
    local loader libraries
    loader=$(cd "$1/root" && find usr -name 'ld-linux-*.so.*' | head -n 1)
    libraries=$(cd "$1/root" && dirname "$(find usr -name 'libc.so.6' | head -n 1)")
    printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
        "'$2/$loader'" "'$2/$libraries'" "'$2/usr/bin/pypy3'" >"$1/python"
    chmod 755 "$1/python"
}

# ---------------------------------------------------------------- asterisk

# $1: where to; $2: the mirror. Its own services are never started, and it is used for nothing but its programs, so old
# signatures do no harm.
make_asterisk() {
    mkdir -p "$1"
    mmdebstrap --quiet --mode=root --variant=minbase --include=$ASTERISK_PACKAGES \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Sandbox::User "root"' \
        --setup-hook='mkdir -p "$1/usr/sbin" && printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"' \
        "$ASTERISK_SUITE" "$1" "$2" </dev/null >>"$LOG" 2>&1
}

set_up_asterisk() {
    exec 9<.
    flock 9
    [[ $(cat $ASTERISK/made-of 2>/dev/null) != "$ASTERISK_SUITE $ASTERISK_PACKAGES" ]] || return 0
    is_root || die "A root with its owners is made by root alone. Run the same command as root."
    is_there mmdebstrap mmdebstrap || ( install_packages mmdebstrap ) || exit 1
    start_log "makes a root with the Asterisk of Debian's $ASTERISK_SUITE"
    say "making a root with the Asterisk of Debian's $ASTERISK_SUITE in $ASTERISK (540 MB, one to three minutes)"
    local mirror made=
    for mirror in $ASTERISK_MIRRORS; do
        rm -rf "$ASTERISK" "$ASTERISK.new"
        make_asterisk "$ASTERISK.new" "$mirror" && made=yes && break
    done
    [[ -n $made ]] || { rm -rf "$ASTERISK.new"; die_with_log "The root with Asterisk could not be made from $ASTERISK_MIRRORS."; }
    echo "$ASTERISK_SUITE $ASTERISK_PACKAGES" >"$ASTERISK.new/made-of"
    mv "$ASTERISK.new" "$ASTERISK" # whole or not at all
}

# ---------------------------------------------------------------- dahdi

# Virtual machines with the real kernel modules of DAHDI, made of one Debian's packages: unpacked and never installed.
DAHDI=out/dahdi
DAHDI_SUITE=bookworm
DAHDI_MIRROR=${DAHDI_MIRROR:-http://deb.debian.org/debian}
DAHDI_PACKAGES=linux-image-amd64,linux-headers-amd64,dahdi-source,dahdi,libpri1.4,python3,busybox-static
DAHDI_PACKAGES+=,qemu-system-x86,qemu-system-data,seabios
DAHDI_PACKAGES+=,gcc,make,bash,mawk,bzip2,tar,cpio,gzip,coreutils,sed,grep,findutils,diffutils,kmod,perl-base,libc-bin # to build with
# A virtual machine's network card, and what stands before it in the order of loading.
DAHDI_KERNEL_MODULES="crc-ccitt virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net"
DAHDI_MODULES="dahdi dahdi_dynamic dahdi_dynamic_eth"

set_up_dahdi() {
    exec 9<.
    flock 9
    [[ $(cat $DAHDI/made-of 2>/dev/null) != "$(dahdi_stamp)" ]] || return 0
    is_root || die "The packages are unpacked and built in a root of their own, which root alone can enter. Run the same command as root."
    is_there mmdebstrap mmdebstrap || ( install_packages mmdebstrap ) || exit 1
    start_log "makes virtual machines with DAHDI of Debian's $DAHDI_SUITE"
    say "making virtual machines with the DAHDI of Debian's $DAHDI_SUITE in $DAHDI (72 MB, half a minute to three minutes)"
    rm -rf "$DAHDI" "$DAHDI.new"
    make_dahdi "$PWD/$DAHDI.new" >>"$LOG" 2>&1 ||
        { rm -rf "$DAHDI.new"; die_with_log "The virtual machines with DAHDI could not be made from $DAHDI_MIRROR."; }
    dahdi_stamp >"$DAHDI.new/made-of"
    mv "$DAHDI.new" "$DAHDI" # whole or not at all
}

dahdi_stamp() {
    { echo "$DAHDI_SUITE $DAHDI_PACKAGES $DAHDI_KERNEL_MODULES $DAHDI_MODULES"
        declare -f make_dahdi build_dahdi_modules with_libraries fill_guest; } | sha256sum
}

# $1: where to, a full path. Of the unpacked packages only what a machine is started with is kept.
make_dahdi() {
    local root=$1/root
    mkdir -p "$1"/qemu "$1"/guest/modules &&
        mmdebstrap --quiet --mode=root --variant=extract --include="$DAHDI_PACKAGES" "$DAHDI_SUITE" "$root" \
            "$DAHDI_MIRROR" </dev/null &&
        build_dahdi_modules "$root" "$1"/guest/modules &&
        with_libraries "$root" "$1"/qemu usr/bin/qemu-system-x86_64 \
            usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so &&
        (cd "$root" && cp -rL --parents usr/share/seabios "$1"/qemu &&
            cp -L --parents usr/share/qemu/{linuxboot_dma,linuxboot,kvmvapic}.bin "$1"/qemu) &&
        fill_guest "$root" "$1"/guest &&
        cp "$root"/boot/vmlinuz-* "$1"/vmlinuz &&
        (cd "$1"/guest && find . | cpio --quiet -o -H newc | gzip -1 >../guest.cpio.gz) &&
        rm -rf "$root" "$1"/guest
}

# $1: the root; $2: where the modules go, with their order of loading.
build_dahdi_modules() {
    local kernel module
    kernel=$(ls "$1/lib/modules")
    ln -sf bash "$1/bin/sh"
    ln -sf mawk "$1/usr/bin/awk"
    mkdir -p "$1/src"
    tar -C "$1/src" -xjf "$1/usr/src/dahdi.tar.bz2" || return 1
    # Only these: DAHDI's own list has every card's driver.
    chroot "$1" make -C /src/modules/dahdi "KVERS=$kernel" "KSRC=/lib/modules/$kernel/build" modules \
        DAHDI_BUILD_ALL= CONFIG_DAHDI=m CONFIG_DAHDI_DYNAMIC=m CONFIG_DAHDI_DYNAMIC_ETH=m </dev/null || return 1
    for module in $DAHDI_KERNEL_MODULES; do
        # What this kernel has built in has no file.
        find "$1/lib/modules/$kernel/kernel" -name "$module.ko" -exec cp {} "$2" \;
    done
    for module in $DAHDI_MODULES; do
        cp "$1/src/modules/dahdi/drivers/dahdi/$module.ko" "$2" || return 1
    done
    for module in $DAHDI_KERNEL_MODULES $DAHDI_MODULES; do
        [[ ! -e $2/$module.ko ]] || echo "$module.ko"
    done >"$2/order"
}

# $1: the root; $2: where to; the others: programs and libraries, with every library that they load.
with_libraries() {
    local root=$1 to=$2 file libraries
    shift 2
    libraries=$(printf '/%s\n' "$@" | chroot "$root" xargs ldd | grep -o '/[^ ]*[^ :)]' | sort -u) || return 1
    for file in "$@" $libraries; do
        (cd "$root" && cp -L --parents "${file#/}" "$to") || return 1
    done
}

# $1: the root; $2: what becomes the machine's file system: busybox, Python, DAHDI's tools, libpri.
fill_guest() {
    mkdir -p "$2"/{proc,sys,dev,tmp,bin,etc/dahdi} &&
        cp "$1/bin/busybox" "$2/bin/busybox" &&
        ln -s busybox "$2/bin/sh" &&
        with_libraries "$1" "$2" usr/bin/python3.11 usr/sbin/dahdi_cfg usr/sbin/dahdi_scan usr/lib/libpri.so.1.4 \
            $(cd "$1" && ls usr/lib/python3.11/lib-dynload/_ctypes.*.so) &&
        (cd "$1" && cp -rL --parents usr/lib/python3.11 "$2") &&
        rm -rf "$2"/usr/lib/python3.11/{pydoc_data,unittest,lib2to3,idlelib,tkinter,distutils,ensurepip,test,sqlite3} &&
        mv "$2/usr/lib/python3.11" "$1/src/python3.11" &&
        chroot "$1" python3.11 -m compileall -q -s /src -p /usr/lib /src/python3.11 &&
        mv "$1/src/python3.11" "$2/usr/lib/python3.11"
}

# ---------------------------------------------------------------- tools

set_up_tools() {
    exec 9<.
    flock 9 # two makes in one tree
    if [[ $(venv_stamp) != "$(cat .venv/asha-packages 2>/dev/null)" ]] || ! .venv/bin/python -c '' 2>/dev/null; then
        make_venv
    fi
    if [[ $(project_stamp) != "$(cat .venv/asha-project 2>/dev/null)" ]]; then
        install_project
    fi
}

# A virtual environment knows its own path, so a moved tree needs a new one.
venv_stamp() { { pwd; cat requirements.txt requirements-dev.txt requirements-source.txt; } | sha256sum; }
project_stamp() { { declare -f install_project; cat pyproject.toml; } | sha256sum; }

make_venv() {
    find_python
    start_log "makes .venv with $python"
    say "making .venv with $("$python" -V) and the pinned packages"
    "$python" -m venv --clear .venv >>"$LOG" 2>&1 || die_with_log "$python could not make .venv."
    pip install --require-hashes --only-binary=:all: -r requirements.txt -r requirements-dev.txt ||
        die_with_log "pip could not install the pinned packages."
    pip install --require-hashes --only-binary=:all: --no-binary=pykickstart --no-build-isolation -r requirements-source.txt ||
        die_with_log "pip could not install the pinned packages that come as source."
    venv_stamp >.venv/asha-packages
}

install_project() {
    start_log "installs asha into .venv"
    # "compat" is a line in a .pth file; the default is a module that doubles the time of each start of Python.
    pip install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable . ||
        die_with_log "pip could not install asha itself."
    project_stamp >.venv/asha-project
}

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@" </dev/null >>"$LOG" 2>&1; }

# ---------------------------------------------------------------- site

SITE_VENV=out/site-venv

# In a folder of its own: what builds the documentation says nothing about which versions the product is checked with.
set_up_site() {
    mkdir -p out
    exec 9<out
    flock 9
    [[ $(site_stamp) != "$(cat $SITE_VENV/packages 2>/dev/null)" ]] || ! $SITE_VENV/bin/python -c '' 2>/dev/null || return 0
    find_python
    start_log "makes $SITE_VENV with $python"
    say "making $SITE_VENV with $("$python" -V) and the pinned packages"
    "$python" -m venv --clear $SITE_VENV >>"$LOG" 2>&1 || die_with_log "$python could not make $SITE_VENV."
    $SITE_VENV/bin/python -m pip --disable-pip-version-check install --require-hashes --only-binary=:all: \
        -r requirements-docs.txt </dev/null >>"$LOG" 2>&1 || die_with_log "pip could not install what builds the site."
    site_stamp >$SITE_VENV/packages
}

site_stamp() { { pwd; cat requirements-docs.txt; } | sha256sum; }

# ---------------------------------------------------------------- python

find_python() {
    look_for_python && return
    if command -v apt-get >/dev/null; then
        ( install_packages python3-venv ) || exit 1
    fi
    look_for_python || die "Python 3.11 or newer with its venv module was not found. Install it."
}

look_for_python() {
    for python in python3.11 python3 /usr/bin/python3 python3.12 python3.13; do
        "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    done
    return 1
}

# ---------------------------------------------------------------- ansible

ANSIBLE=out/ansible

# In a folder of its own: Ansible's packages need not agree with those of .venv.
set_up_ansible() {
    exec 9<.
    flock 9
    [[ $(ansible_stamp) != "$(cat $ANSIBLE/asha-packages 2>/dev/null)" ]] || return 0
    find_python
    start_log "makes $ANSIBLE with $python"
    say "making $ANSIBLE with the pinned ansible-core and ansible-lint"
    "$python" -m venv --clear $ANSIBLE >>"$LOG" 2>&1 || die_with_log "$python could not make $ANSIBLE."
    $ANSIBLE/bin/python -m pip --disable-pip-version-check install --require-hashes --only-binary=:all: \
        -r requirements-deploy.txt </dev/null >>"$LOG" 2>&1 || die_with_log "pip could not install Ansible."
    ansible_stamp >$ANSIBLE/asha-packages
}

ansible_stamp() { { pwd; cat requirements-deploy.txt; } | sha256sum; }

case ${1:-} in
    system) set_up_system ;;
    tools) set_up_tools ;;
    rpm) set_up_rpm ;;
    site) set_up_site ;;
    browser) set_up_browser ;;
    pypy) set_up_pypy ;;
    asterisk) set_up_asterisk ;;
    dahdi) set_up_dahdi ;;
    ansible) set_up_ansible ;;
    *) die "Say 'setup.sh system', 'tools', 'site', 'browser', 'pypy', 'asterisk', 'dahdi', 'ansible' or 'rpm'." ;;
esac
