#!/bin/sh
# What a newcomer meets: a clone in a path with spaces, set up twice, moved, and set up offline.
# Needs the network once. Not part of `make test`, since it installs everything twice.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
passed=0

say() { passed=$((passed + 1)); echo "newcomer: $1"; }
fail() { echo "newcomer: FAILED: $1" >&2; exit 1; }
starts() {
    # The command itself, and the module, each from another folder than the checkout.
    (cd / && "$1/.venv/bin/strongroom" --help >/dev/null) || fail "strongroom --help in $1"
    (cd / && "$1/.venv/bin/python" -m strongroom --help >/dev/null) || fail "-m strongroom in $1"
}
# No index, and a proxy that nobody listens at: whoever asks the network gets an error.
offline() {
    env PIP_NO_INDEX=1 http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
        HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 "$@"
}

first="$place/a first place"
second="$place/another place, too"
git clone -q . "$first"

# Where Debian's python3-venv is missing, Python has no ensurepip.
mkdir "$place/bare"
echo 'import sys; sys.modules["ensurepip"] = None' >"$place/bare/sitecustomize.py"
if said=$(PYTHONPATH="$place/bare" "$python" "$first/scripts/setup.py" 2>&1); then
    fail "set-up without venv should be refused"
fi
[ "$(printf '%s\n' "$said" | wc -l)" = 1 ] || fail "one line expected, not: $said"
case "$said" in *"apt-get install"*) ;; *) fail "no apt command in: $said" ;; esac
[ -z "$(git -C "$first" status --porcelain --ignored)" ] || fail "something half-made was left"
say "without venv: one line, nothing left behind"

make -C "$first" --no-print-directory setup PYTHON="$python"
starts "$first"
say "set up in a path with spaces"

before=$(stat -c %Y "$first/.venv/strongroom-setup.json")
offline make -C "$first" --no-print-directory setup PYTHON="$python"
[ "$before" = "$(stat -c %Y "$first/.venv/strongroom-setup.json")" ] || fail "made again for nothing"
say "a second set-up had nothing to do"

mv "$first" "$second"
offline make -C "$second" --no-print-directory setup PYTHON="$python"
starts "$second"
grep -rIlF "$first" "$second/.venv" --include='*.pth' --include=strongroom && fail "the old path is left"
say "set up offline after the move"

echo "$passed passed, 0 failed"
