# Sourced by tools/test and tools/demo: the checkout's own virtual environment, made when it is missing or out of date.
# shellcheck shell=bash

unset PYTHONDONTWRITEBYTECODE # what is started hundreds of times is compiled once

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 2
}

# need_packages PURPOSE PACKAGE...: installs Debian packages when root, else names the command that does.
need_packages() {
    local purpose=$1
    shift
    [ $# -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        die "first run: sudo apt-get install --yes $*   (for $purpose)"
    fi
    say "installing for $purpose: $*"
    local apt=(apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    {
        "${apt[@]}" update || true # one source that is being updated leaves the others' lists of use
        DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends "$@"
    } >/dev/null 2>"$ROOT/.cache/apt.log" || die "apt-get could not install $*: $(tail -n 1 "$ROOT/.cache/apt.log")"
}

# is_fit PYTHON: 3.11 or newer.
is_fit() {
    command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
}

# find_python: Debian's own where it can make an environment, since that is what boxes run; else the first on the PATH.
find_python() {
    if is_fit /usr/bin/python3 && /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
        printf '/usr/bin/python3\n'
    else
        printf 'python3\n'
    fi
}

# make_environment STAMP PIP-ARGUMENT...: .venv with the project installed; nothing to do while pyproject.toml is unchanged.
make_environment() {
    local stamp="$ROOT/.venv/.ringtap-$1" wanted python
    shift
    command -v python3 >/dev/null || need_packages "ringtap" python3 python3-venv
    python=$(find_python)
    is_fit "$python" || die "Python 3.11 or newer is needed, python3 is $(python3 -V)"
    wanted=$(sha256sum "$ROOT/pyproject.toml" | cut -d ' ' -f 1)
    # what tools/test installed holds everything that tools/demo needs
    case " $(cat "$stamp" "$ROOT/.venv/.ringtap-test" 2>/dev/null | tr '\n' ' ')" in *" $wanted "*) return ;; esac
    "$python" -c 'import ensurepip' 2>/dev/null || need_packages "the virtual environment" python3-venv
    [ -x "$ROOT/.venv/bin/pip" ] || "$python" -m venv "$ROOT/.venv" || die "$python could not make $ROOT/.venv"
    say "installing ringtap into .venv (the first time takes about a minute)"
    local pip=("$ROOT/.venv/bin/pip" install --quiet --disable-pip-version-check --no-compile)
    if ! { "${pip[@]}" --upgrade "pip>=25.1" && "${pip[@]}" --editable "$@"; }; then
        die "pip could not install the project: see the lines above"
    fi
    # what pip does on one core; a file that cannot be compiled is a package's template
    "$ROOT/.venv/bin/python" -m compileall -q -j 0 "$ROOT/.venv/lib" >/dev/null || true
    printf '%s\n' "$wanted" >"$stamp"
}
