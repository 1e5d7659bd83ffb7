# shellcheck shell=bash
# Shared by run.sh and test.sh: system libraries, Python, .venv. Sourced with the repository as $PWD.
# Says what it does on standard error; does nothing that is done already.

say() { printf '%s\n' "$*" >&2; }

die() {
    printf 'serstudio: %s\n' "$*" >&2
    exit 1
}

# What the window and the microphone load at run time: file that the linker knows, Debian package.
LIBRARIES="
libportaudio.so.2:libportaudio2
libEGL.so.1:libegl1
libGL.so.1:libgl1
libglib-2.0.so.0:libglib2.0-0
libxkbcommon.so.0:libxkbcommon0
libxkbcommon-x11.so.0:libxkbcommon-x11-0
libdbus-1.so.3:libdbus-1-3
libfontconfig.so.1:libfontconfig1
libX11-xcb.so.1:libx11-xcb1
libxcb-cursor.so.0:libxcb-cursor0
libxcb-icccm.so.4:libxcb-icccm4
libxcb-image.so.0:libxcb-image0
libxcb-keysyms.so.1:libxcb-keysyms1
libxcb-randr.so.0:libxcb-randr0
libxcb-render-util.so.0:libxcb-render-util0
libxcb-shape.so.0:libxcb-shape0
libxcb-xfixes.so.0:libxcb-xfixes0
libxcb-xinerama.so.0:libxcb-xinerama0
libxcb-xkb.so.1:libxcb-xkb1
"

missing_libraries() {
    local known line
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null)
    for line in $LIBRARIES; do
        case "$known" in
        *"${line%%:*} "*) ;;
        *) printf '%s ' "${line##*:}" ;;
        esac
    done
}

# Prefix for commands that need root; fails where there is no way to get it without asking.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then
        ROOT=""
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        ROOT="sudo"
    else
        return 1
    fi
}

# Install Debian packages; where that cannot be done, say which are missing and go on.
apt_install() {
    [ $# -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "Note: this system has no apt-get. Install what matches these Debian packages: $*"
        return 0
    fi
    if ! root_prefix; then
        say "Note: missing system packages. Ask an administrator to run: apt-get install $*"
        return 0
    fi
    say "Installing system packages: $*"
    local log
    log=$(mktemp)
    if $ROOT env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 ||
        { $ROOT apt-get update -q >"$log" 2>&1 &&
            $ROOT env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1; }; then
        rm -f "$log"
    else
        tail -n 3 "$log" >&2
        rm -f "$log"
        say "Note: these could not be installed: $*"
    fi
}

# Sets PYTHON to a Python 3.11 to 3.13.
find_python() {
    local name
    for name in "${SERSTUDIO_PYTHON:-python3}" python3.12 python3.13 python3.11; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            PYTHON=$name
            return 0
        fi
    done
    return 1
}

# Create .venv and install the project into it: install_project "" or install_project dev.
install_project() {
    local extra=$1 wanted stamp=.venv/.serstudio-installed
    if [ "$(uname)" = Linux ]; then
        # shellcheck disable=SC2046
        apt_install $(missing_libraries)
    fi
    wanted="$PWD $("${SHA256[@]}" pyproject.toml | cut -d' ' -f1)"
    if .venv/bin/python -c '' 2>/dev/null && [ -f $stamp ]; then
        case "$(cat $stamp)" in
        "$wanted dev") return 0 ;;
        "$wanted $extra") return 0 ;;
        esac
    fi
    make_venv
    say "Installing SER Studio and its packages into .venv (a few minutes the first time) ..."
    if ! .venv/bin/python -m pip install --disable-pip-version-check -e ".${extra:+[$extra]}" >.venv/install.log 2>&1; then
        grep -i 'error' .venv/install.log | tail -n 3 >&2
        die "The packages could not be installed (all of it: .venv/install.log). Check the network and the free disk space (8 GB), then run this again."
    fi
    printf '%s %s\n' "$wanted" "$extra" >$stamp
}

make_venv() {
    find_python || die "No Python 3.11, 3.12 or 3.13 was found. Install one (for example: apt-get install python3 python3-venv), or name it in SERSTUDIO_PYTHON."
    # A .venv that was moved here with its folder, or whose Python is gone, is made anew; a good one is kept.
    if [ "$(cat .venv/.serstudio-home 2>/dev/null || printf %s "$PWD")" = "$PWD" ] &&
        .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return 0
    fi
    rm -rf .venv
    if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null && [ "$(uname)" = Linux ]; then
        apt_install python3-venv "$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    "$PYTHON" -m venv .venv && printf '%s\n' "$PWD" >.venv/.serstudio-home || die "$PYTHON could not make a virtual environment. Install python3-venv, then run this again."
}

if command -v sha256sum >/dev/null; then SHA256=(sha256sum); else SHA256=(shasum -a 256); fi
