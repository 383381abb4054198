#!/bin/sh
# Install Debian's Chromium, a Chinese font and nginx where that is allowed; otherwise say which tests will be skipped.
has_browser() { command -v chromium >/dev/null 2>&1; }
has_font() { command -v fc-list >/dev/null 2>&1 && fc-list ":lang=zh" | grep -q .; }
has_nginx() { PATH="$PATH:/usr/sbin" command -v nginx >/dev/null 2>&1; }

wanted=""
has_browser && has_font || wanted="chromium fonts-noto-cjk fontconfig"
has_nginx || wanted="$wanted nginx-light"
if [ -z "$wanted" ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing, and cannot be installed here: $wanted. Tests that need them will be skipped."
    exit 0
fi
echo "Installing for the tests: $wanted ..."
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if { apt-get update && apt-get install -y --no-install-recommends $wanted; } >"$log" 2>&1; then
    rm -f "$log"
    # the tests start their own; a server that nobody asked for does not stay
    case "$wanted" in *nginx*) ! command -v systemctl >/dev/null 2>&1 || systemctl disable --now nginx >/dev/null 2>&1 ;; esac
else
    tail -5 "$log"
    echo "They could not be installed: tests that need them will be skipped."
fi
exit 0
