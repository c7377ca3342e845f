#!/bin/sh
# Installs Dashan Firewatch from the folder this file lies in. Needs no network. Run as root:
#     ./install.sh [PREFIX]          PREFIX defaults to /opt/firewatch
# Again over an older installation it is an upgrade of the programs; `firewatch upgrade` then takes the store along.
set -eu
cd "$(dirname "$0")"
prefix=${1:-/opt/firewatch}
python=${PYTHON:-python3}

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    die "python3 with venv is missing; install the packages of debian-packages.txt first"
wanted=$(cat python-version.txt)
have=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$have" = "$wanted" ] || die "this bundle is for Python $wanted, $python is $have; set PYTHON to the right one"
if [ "$prefix" = /opt/firewatch ] && [ -d /run/systemd/system ]; then
    for unit in firewatch firewatch-worker firewatch-watch; do
        if systemctl --quiet is-active $unit; then die "$unit runs; systemctl stop $unit first"; fi
    done
fi
say "checking files"
sha256sum --quiet --check SHA256SUMS || die "the bundle is damaged; copy it again"

say "installing programs into $prefix"
mkdir -p "$prefix"
"$python" -m venv --clear "$prefix/.venv"  # nothing of an older one stays, whatever its versions are called
"$prefix/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
    --require-hashes --requirement requirements.lock --find-links wheels
rm -rf "$prefix/docs"
cp -r docs "$prefix/"

if [ "$(id -u)" = 0 ] && [ "$prefix" = /opt/firewatch ]; then
    id firewatch >/dev/null 2>&1 ||
        useradd --system --home-dir /var/lib/firewatch --shell /usr/sbin/nologin firewatch
    mkdir -p /etc/firewatch
    [ -e /etc/firewatch/deployment.yaml ] || cp -r etc/. /etc/firewatch/
    cp etc/deployment.schema.json /etc/firewatch/
    [ -e /etc/firewatch/secrets.env ] || (umask 077 && : >/etc/firewatch/secrets.env)
    install -D --mode=0755 firewatch.sh /usr/local/bin/firewatch
    cp units/*.service units/*.timer /etc/systemd/system/
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
    say "next: systemctl enable --now firewatch firewatch-backup.timer"
    say "      it plays the footage of an example until /etc/firewatch/deployment.yaml names your cameras"
else
    say "next: $prefix/.venv/bin/firewatch demo"
fi
"$prefix/.venv/bin/firewatch" models verify
