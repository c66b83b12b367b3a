#!/bin/sh
# Write requirements/lock.txt anew: all platforms, hashes, and neither an index nor a path in it.
# A week's cool-down lets a bad release be noticed by others first.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "make lock needs uv on the path: pip install uv" >&2; exit 1; }
exec uv pip compile pyproject.toml --group build --group test --group check --no-config \
    --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-header --no-annotate --no-emit-index-url --quiet \
    --exclude-newer "$(date -u -d '7 days ago' +%Y-%m-%d)" -o requirements/lock.txt
