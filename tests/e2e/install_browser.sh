#!/bin/sh
# Install Debian's Chromium and a Chinese font where that is allowed; otherwise say that the browser tests will be skipped.
has_browser() { command -v chromium >/dev/null 2>&1; }
has_font() { command -v fc-list >/dev/null 2>&1 && fc-list ":lang=zh" | grep -q .; }

if has_browser && has_font; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Chromium or a Chinese font is missing and cannot be installed here: the browser tests will be skipped."
    exit 0
fi
echo "Installing Chromium and a Chinese font for the browser tests ..."
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if { apt-get update && apt-get install -y --no-install-recommends chromium fonts-noto-cjk fontconfig; } >"$log" 2>&1; then
    rm -f "$log"
else
    tail -5 "$log"
    echo "They could not be installed: the browser tests will be skipped."
fi
exit 0
