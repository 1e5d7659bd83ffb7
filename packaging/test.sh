#!/usr/bin/env bash
# Install what the tests need (once), then run every check: bash packaging/test.sh [pytest arguments]
# Starts a display and a sound server of its own, and stops them again.
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
    command -v pactl >/dev/null || printf 'pulseaudio-utils '
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

# A sound server with one null sink, whose monitor stands in for a microphone.
start_sound() {
    command -v pulseaudio >/dev/null || { say "Note: no PulseAudio; microphone tests are skipped."; return 0; }
    mkdir -m 700 "$scratch/pulse"
    export PULSE_RUNTIME_PATH="$scratch/pulse" PULSE_SERVER="unix:$scratch/pulse/native"
    HOME="$scratch" pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --log-target="file:$scratch/pulse.log" \
        --load="module-null-sink sink_name=serstudio_test rate=48000" \
        --load="module-native-protocol-unix socket=$scratch/pulse/native auth-anonymous=1" >/dev/null 2>&1 &
    children+=($!)
    for _ in $(seq 100); do
        if pactl set-default-source serstudio_test.monitor 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    say "Note: PulseAudio did not start; microphone tests are skipped."
    unset PULSE_SERVER PULSE_RUNTIME_PATH
}

if [ "$(uname)" = Linux ]; then
    # shellcheck disable=SC2046
    apt_install $(test_packages)
fi
install_project dev
if [ "$(uname)" = Linux ]; then
    start_display
    start_sound
fi

failed=""
check() {
    say "== $*"
    "$@" || failed="$failed $(basename "$1")"
}
PATH="$PWD/.venv/bin:$PATH"
check ruff check --quiet .
check mypy --no-error-summary
check lint-imports --no-cache
check python -m pytest "$@"
[ -z "$failed" ] || die "failed:$failed"
