# What the tests of the packages share: checks that are counted, and Debian in a folder.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
export packages=$target/packages
PATH=$PATH:$target/tools/bin:/usr/sbin:/sbin
checks=0
cleanups=()

# check WORDS COMMAND...: the command must succeed.
check() {
    local words=$1
    shift
    "$@" || fail "$words"
    checks=$((checks + 1))
    echo "ok: $words"
}

# refused WORDS COMMAND...: it must not.
refused() {
    local words=$1
    shift
    check "$words" not "$@"
}

not() { ! "$@"; }

# equal WORDS WANTED GOT
equal() {
    if [[ $2 != "$3" ]]; then diff <(echo "$2") <(echo "$3") || true; fi
    check "$1" test "$2" = "$3"
}

# within SECONDS WORDS COMMAND...: it must succeed by then.
within() {
    local end=$((SECONDS + $1)) words=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "$words: not in time: $*"
        sleep 0.2
    done
    check "$words" true
}

fail() {
    echo "FAILED: $*" >&2
    explain >&2 || true
    exit 1
}

# What is known of a failure; a test that knows more says so.
explain() { :; }

# finally COMMAND: is done at the end, the last one first, whatever happened.
finally() { cleanups=("$1" "${cleanups[@]}"); }

at_end() {
    local code=$? cleanup
    for cleanup in "${cleanups[@]}"; do $cleanup || true; done
    if [[ $code == 0 ]]; then echo "test result: ok. $checks passed; 0 failed"; fi
}
trap at_end EXIT
trap 'exit 1' HUP INT TERM

# A fresh Debian with systemd: its folder is $root, and goes at the end.
debian() {
    local base=$target/packages-bookworm.tar
    if [[ ! -e $base ]]; then
        mmdebstrap --quiet --format=tar --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$base.new"
        mv "$base.new" "$base"
    fi
    root=$(mktemp -d "$target/packages-root.XXXXXX")
    finally "rm -rf --one-file-system $root"
    tar -C "$root" -xf "$base"
    chmod 755 "$root"
}

# repack DEB VERSION TO: the same package as a later version.
repack() {
    local tree
    tree=$(mktemp -d "$target/packages-repack.XXXXXX")
    finally "rm -rf $tree"
    dpkg-deb --raw-extract "$1" "$tree"
    sed -i "s/^Version: .*/Version: $2/" "$tree/DEBIAN/control"
    echo "# A newer default." >>"$tree/etc/kintail/kintail.toml"
    dpkg-deb --root-owner-group --build "$tree" "$3" >/dev/null
}
