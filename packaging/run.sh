#!/usr/bin/env bash
# Install what SER Studio needs (once) and open it: bash packaging/run.sh [PROJECT or VERB ...]
# On a machine without a display it shows the whole job in the terminal instead.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/install.sh
. packaging/install.sh

install_project ""
python="$PWD/.venv/bin/python"
cd "$here"

if [ $# -eq 0 ] && [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    say "No display here, so this is the tour in the terminal (serstudio tour)."
    exec "$python" -m serstudio tour
fi
exec "$python" -m serstudio "$@"
