"""What the doctor can find, and which line of a proxy to change for it: data only."""

from __future__ import annotations

from typing import Final, NamedTuple

OK: Final = "ok"
NOTE: Final = "note"  # works, but could be better
BAD: Final = "bad"  # a phone will stumble over it
SKIPPED: Final = "skipped"

PROXIES: Final = ("nginx", "Apache", "Caddy")


class Finding(NamedTuple):
    """One thing that was looked at; `advice` names a row of ADVICE."""

    grade: str
    words: str
    advice: str = ""


# code -> what to change in nginx, Apache, Caddy. The whole set-ups are in packaging/proxies.
ADVICE: Final[dict[str, tuple[str, str, str]]] = {
    "upstream": (
        "proxy_pass http://127.0.0.1:8800;  (what `listen` in strongroom.toml says)",
        "ProxyPass / http://127.0.0.1:8800/ nocanon  (what `listen` in strongroom.toml says)",
        "reverse_proxy 127.0.0.1:8800  (what `listen` in strongroom.toml says)",
    ),
    "tls": (
        "listen 443 ssl;",
        "SSLEngine on",
        "the site's name without http:// in front",
    ),
    "chain": (
        "ssl_certificate .../fullchain.pem;  (the leaf, then the intermediate certificates)",
        "SSLCertificateFile .../fullchain.pem  (the leaf, then the intermediate certificates)",
        "no `tls` line, so that Caddy gets a certificate itself; or tls fullchain.pem key.pem",
    ),
    "name": (
        "ssl_certificate: one that was issued for this name; server_name the same",
        "SSLCertificateFile: one that was issued for this name; ServerName the same",
        "the site's name: the one that phones enter",
    ),
    "expiry": (
        "renew (certbot renew), then `systemctl reload nginx`: it reads the file only then",
        "renew (certbot renew), then `systemctl reload apache2`: it reads the file only then",
        "no `tls` line, so that Caddy renews by itself; ports 80 and 443 open to the world",
    ),
    "plain": (
        "server { listen 80; server_name NAME; return 301 https://$host$request_uri; }",
        "<VirtualHost *:80> with `Redirect permanent / https://NAME/` and no ProxyPass",
        "no site with http:// in front, no `auto_https disable_redirects`",
    ),
    "redirect": (
        "proxy_redirect off;  and no rewrite or return for /.well-known",
        "no ProxyPassReverse, no Redirect and no Alias for /.well-known",
        "no redir and no handle for /.well-known, no header_down Location",
    ),
    "challenge": (
        "no auth_basic;  proxy_intercept_errors off;  no proxy_hide_header WWW-Authenticate",
        "no AuthType;  ProxyErrorOverride Off;  no Header unset WWW-Authenticate",
        "no basicauth, no handle_errors, no header_down -WWW-Authenticate",
    ),
    "whole-host": (
        "location / { proxy_pass http://strongroom; }  for the whole host, nothing beside it",
        "ProxyPass /  for the whole host, nothing beside it",
        "reverse_proxy without a matcher, no handle or respond beside it",
    ),
    "authorization": (
        'no proxy_set_header Authorization "";',
        "no RequestHeader unset Authorization, no AuthType Basic",
        "no header_up -Authorization, no basicauth",
    ),
    "methods": (
        "no limit_except, no `if ($request_method ...)`, no dav_methods",
        "no <Limit> or <LimitExcept>, Dav Off; with mod_security: tx.allowed_methods",
        "no `method` matcher",
    ),
    "paths": (
        "proxy_pass http://strongroom;  without a path or a slash behind it",
        "AllowEncodedSlashes NoDecode,  and `nocanon` at the end of ProxyPass",
        "no handle_path, no uri strip_prefix, no rewrite",
    ),
    "conditions": (
        'no proxy_set_header If-Match "";  proxy_cache off;',
        "no RequestHeader unset If-Match, no CacheEnable",
        "no header_up -If-Match, no cache",
    ),
    "etag": (
        "no gzip_types with text/vcard, text/calendar or *;  (gzip off; is right: we do it)",
        "no SetOutputFilter DEFLATE;  no AddOutputFilterByType for text/vcard, text/calendar",
        "no encode, or encode with match { header Content-Type application/xml* }",
    ),
    "bytes": (
        "no sub_filter, no gzip_types with text/vcard or text/calendar",
        "no Substitute, no proxy_html, no SetOutputFilter",
        "no replace, no templates",
    ),
    "body": (
        "client_max_body_size 0;",
        "no LimitRequestBody; with mod_security: SecRequestBodyLimit 134217728",
        "no request_body { max_size ... }",
    ),
    "keep-alive": (
        "keepalive_timeout 120s;",
        "KeepAlive On, KeepAliveTimeout 120, MaxKeepAliveRequests 0",
        "servers { timeouts { idle 2m } } in the global options",
    ),
}
