#!/usr/bin/env bash
# Install what the tests need (once), then run every check: bash packaging/test.sh [pytest arguments]
# Starts a display of its own, and stops it again; the tests start the sound server that they need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/install.sh
. packaging/install.sh

scratch=$(mktemp -d)
children=()
stop_all() {
    status=$?
    trap - EXIT INT TERM
    for child in ${children[@]+"${children[@]}"}; do
        kill "$child" 2>/dev/null && wait "$child" 2>/dev/null || true
    done
    rm -rf "$scratch"
    exit "$status"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

test_packages() {
    command -v Xvfb >/dev/null || printf 'xvfb '
    command -v pulseaudio >/dev/null || printf 'pulseaudio '
    command -v paplay >/dev/null || printf 'pulseaudio-utils '
    compgen -G '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so' >/dev/null || printf 'libasound2-plugins '
}

# A display that only this run uses; -displayfd finds a free number.
start_display() {
    command -v Xvfb >/dev/null || { say "Note: no Xvfb; tests that open a real window are skipped."; return 0; }
    Xvfb -displayfd 3 -screen 0 1600x1000x24 -nolisten tcp 3>"$scratch/display" >"$scratch/xvfb.log" 2>&1 &
    children+=($!)
    for _ in $(seq 100); do
        [ -s "$scratch/display" ] && break
        sleep 0.1
    done
    [ -s "$scratch/display" ] || die "Xvfb did not start: $(tail -n 1 "$scratch/xvfb.log")"
    DISPLAY=":$(tr -d '[:space:]' <"$scratch/display")"
    export DISPLAY
    unset WAYLAND_DISPLAY
}

if [ "$(uname)" = Linux ]; then
    # shellcheck disable=SC2046
    apt_install $(test_packages)
fi
install_project dev
[ "$(uname)" != Linux ] || start_display

failed=""
check() {
    say "== $*"
    "$@" || failed="$failed $(basename "$1")"
}
PATH="$PWD/.venv/bin:$PATH"
check ruff check --quiet .
check mypy --no-error-summary
check lint-imports --no-cache --no-logo
check python -m pytest "$@"
[ -z "$failed" ] || die "failed:$failed"
