#!/bin/sh
# Install or upgrade the program from this folder (made by `make wheelhouse`), without a network. As root:
#
#   sh install.sh [PREFIX]        PREFIX: put before every path, for trying; default none
#
# /opt/skyscape/<version>/      the program in an environment of its own; /opt/skyscape/current is a link to one
# /etc/skyscape/settings.yaml   settings; one that is there stays as it is
# /etc/skyscape/secrets.env     secrets, mode 0600; one that is there stays as it is
# /var/lib/skyscape/            archive, models, runs: readable by the service only
# /srv/skyscape/site/           pages, for nginx
# /opt/skyscape/handbook.*.md   the handbook of the version installed last, to which the units refer
# Rollback: sh install.sh --rollback [PREFIX] points the link at the version before.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
back=no
if [ "${1:-}" = --rollback ]; then back=yes; shift; fi
prefix=${1:-}
opt=$prefix/opt/skyscape
etc=$prefix/etc/skyscape
state=$prefix/var/lib/skyscape
pages=$prefix/srv/skyscape

switch() {  # to a version, in one step; what was in force is kept as `previous`
    if [ -L "$opt/current" ] && [ "$(readlink "$opt/current")" != "$1" ]; then
        ln -sfn "$(readlink "$opt/current")" "$opt/previous"
    fi
    ln -sfn "$1" "$opt/.current-new"
    mv -T "$opt/.current-new" "$opt/current"
    echo "$opt/current is $1 now"
}

if [ $back = yes ]; then
    if [ ! -L "$opt/previous" ]; then echo "no version before: nothing was changed" >&2; exit 1; fi
    switch "$(readlink "$opt/previous")"
    exit 0
fi

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "skyscape needs Python 3.11 or newer: name one with PYTHON=... sh install.sh" >&2; exit 1; }
wheel=$(ls "$here"/skyscape-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
# two builds of one version are told apart by their content
version=$version-$(sha256sum "$wheel" | cut -c1-8)
if [ ! -e "$opt/$version/installed" ]; then
    rm -rf "${opt:?}/$version"
    mkdir -p "$opt"
    "$python" -m venv "$opt/$version"
    "$opt/$version/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
        --find-links "$here" --require-hashes -r "$here/requirements.txt"
    "$opt/$version/bin/skyscape" --version
    touch "$opt/$version/installed"
fi

service=root
if [ "$(id -u)" = 0 ] && [ -z "$prefix" ]; then
    service=skyscape
    getent passwd skyscape >/dev/null || useradd --system --home-dir /var/lib/skyscape --shell /usr/sbin/nologin skyscape
fi
owned() {  # a folder with its mode, of the service where this runs as root
    mkdir -p "$2"
    chmod "$1" "$2"
    if [ $service = skyscape ]; then chown skyscape:skyscape "$2"; fi
}
mkdir -p "$etc" "$pages"
owned 0700 "$state"
owned 0755 "$pages/site"
if [ ! -e "$etc/settings.yaml" ]; then
    shipped=$("$opt/$version/bin/python" -c 'from forecast.config import default_path; print(default_path())')
    # the output folder and everything else of var/ get absolute places
    sed -e "s|sqlite:///var/|sqlite:///$state/|" -e "s|: var/site|: $pages/site|" -e "s|: var/|: $state/|" \
        "$shipped" >"$etc/settings.yaml"
    echo "$etc/settings.yaml is new: edit it, then run: skyscape check --config $etc/settings.yaml"
fi
if [ ! -e "$etc/secrets.env" ]; then
    (umask 077; cp "$here/secrets.env" "$etc/secrets.env")
fi
chmod 0600 "$etc/secrets.env"
cp "$here"/*.md "$opt/"
if [ -d "$prefix/etc/systemd/system" ]; then
    cp "$here"/systemd/*.service "$here"/systemd/*.timer "$prefix/etc/systemd/system/"
fi
switch "$version"
