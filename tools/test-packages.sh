#!/bin/sh
# Installs the Debian packages that tests run: browsers, GStreamer, network namespaces, a sound server, a database server, Redis, a balancer.
# Quick when they are there. Never fails: a test whose program is missing says so by name and counts as skipped.
set -u
wanted="chromium chromium-headless-shell firefox-esr pulseaudio iproute2 postgresql redis-server coturn haproxy systemd
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice
  gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0 python3-gst-1.0"
# npm brings the type checker of the page's scripts; whoever has one from elsewhere keeps it.
command -v npm >/dev/null || wanted="$wanted nodejs npm"

missing() {
  for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
  done
}

say() { echo "test-packages: $*" >&2; }

if ! command -v apt-get >/dev/null; then
  say "no apt-get here; tests that need $wanted and do not find it are skipped"
  exit 0
fi
packages=$(missing)
[ -n "$packages" ] || exit 0
if [ "$(id -u)" = 0 ]; then sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo="sudo -n"
else
  say "neither root nor sudo; some tests will be skipped for want of: $packages"
  exit 0
fi

say "installing $packages"
install() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
$sudo apt-get update -qq || say "apt-get update failed; trying with what is known"
# One package that cannot be had must not keep the others away.
install $packages || for package in $packages; do install "$package" || say "could not install $package"; done

packages=$(missing)
[ -z "$packages" ] || say "still missing, so their tests will be skipped: $packages"
exit 0
