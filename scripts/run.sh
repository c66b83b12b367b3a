#!/bin/sh
# `make run`: the embedded default in ./var, with a demo account on the first start. With LAN set
# it also listens on the local network, over TLS, and shows a code that sets up a phone.
set -eu
cd "$(dirname "$0")/.."
config=var/strongroom.toml

if [ ! -e "$config" ]; then
    mkdir -p var
    # The three replicas lie on one disk here: fit for trying it out, and said to be (toy = true).
    cat >"$config" <<'TOML'
listen = "127.0.0.1:8800"
data = "data"
replicas = ["replica-1", "replica-2", "replica-3"]
write_quorum = 2
toy = true
TOML
fi

# The witness is written last, so it tells that `init` came to its end; 8 = a cell is there already.
[ -d var/data/witness ] || .venv/bin/python -m strongroom init --config "$config" || [ $? -eq 8 ]
.venv/bin/python -m strongroom demo ${LAN:+--lan} --config "$config"
# LAN=1 finds the address on the local network by itself; LAN=192.168.1.5 names it.
case "${LAN:-}" in
'') set -- ;;
1) set -- --pair demo --lan ;;
*) set -- --pair demo --lan "$LAN" ;;
esac
exec .venv/bin/python -m strongroom serve --config "$config" "$@"
