"""Settings: what is taken, and that each mistake is named."""

from pathlib import Path

import pytest

from strongroom.base import limits
from strongroom.base.errors import SettingsError
from strongroom.base.settings import TRUSTED_PROXIES_MAX, Settings, names, parse

BASE = Path("/srv/strong room")
LEAST = {
    "listen": '"127.0.0.1:8800"',
    "data": '"data"',
    "replicas": '["a", "b", "c"]',
    "write_quorum": "2",
}


def text(**changed: str | None) -> str:
    rows = {**LEAST, **changed}
    return "\n".join(f"{name} = {value}" for name, value in rows.items() if value is not None)


def read(**changed: str | None) -> Settings:
    return parse(text(**changed), BASE)


def test_the_least_form_gives_defaults_for_all_else():
    assert read() == Settings(
        "127.0.0.1", 8800, BASE / "data", (BASE / "a", BASE / "b", BASE / "c"), 2,
        False, limits.RESERVE_BYTES, 8 * 1024 * 1024,
    )  # fmt: skip
    assert read().control_socket == BASE / "data" / "control.sock"


def test_every_setting_can_be_set():
    settings = read(toy="true", reserve_bytes="5", scrub_bytes_per_second="6")
    assert (settings.toy, settings.reserve_bytes, settings.scrub_bytes_per_second) == (True, 5, 6)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Contacts.Example.org/", "https://contacts.example.org"),
        ("https://contacts.example.org:8443", "https://contacts.example.org:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://a:65535/", "https://a:65535"),
    ],
)
def test_the_public_address_is_kept_without_its_slash(given: str, kept: str):
    assert read(public_url=f'"{given}"').public_url == kept


def test_proxies_are_addresses_or_networks_up_to_the_limit_and_never_everybody():
    settings = read(trusted_proxies='["127.0.0.1", "10.1.0.0/16", "2001:db8::/32"]')
    assert settings.trusted_proxies == ("127.0.0.1/32", "10.1.0.0/16", "2001:db8::/32")
    most = ", ".join(['"127.0.0.1"'] * TRUSTED_PROXIES_MAX)
    assert len(read(trusted_proxies=f"[{most}]").trusted_proxies) == TRUSTED_PROXIES_MAX
    with pytest.raises(SettingsError, match="at most"):
        read(trusted_proxies=f'[{most}, "127.0.0.1"]')
    for everybody in ("0.0.0.0/0", "::/0"):
        with pytest.raises(SettingsError, match="everybody"):
            read(trusted_proxies=f'["{everybody}"]')


def test_the_access_log_is_off_unless_it_is_wanted():
    assert read().access_log == "none"
    assert read(access_log='"stderr"').access_log == "stderr"


def test_absolute_directories_stay_and_dots_are_folded():
    settings = read(data='"/d/../e"', replicas='["/x", "../y", "z/"]')
    assert settings.data == Path("/e")
    assert settings.replicas == (Path("/x"), Path("/srv/y"), BASE / "z")


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("localhost:1", "127.0.0.1", 1),
        ("127.8.9.1:65535", "127.8.9.1", 65535),
        ("[::1]:0", "::1", 0),
    ],
)
def test_loopback_addresses_are_taken(listen: str, host: str, port: int):
    settings = read(listen=f'"{listen}"')
    assert (settings.host, settings.port) == (host, port)


def test_an_address_that_others_reach_is_refused_without_tls_and_says_how_to_get_it():
    with pytest.raises(SettingsError, match="strongroom tls init"):
        read(listen='"0.0.0.0:8800"')


def test_with_tls_any_address_is_taken_and_the_files_are_relative_to_the_settings():
    settings = read(listen='"0.0.0.0:443"', tls_certificate='"c.pem"', tls_key='"/k/key.pem"')
    assert settings.host == "0.0.0.0"
    assert (settings.tls_certificate, settings.tls_key) == (BASE / "c.pem", Path("/k/key.pem"))


@pytest.mark.parametrize("name", ["tls_certificate", "tls_key"])
def test_half_of_a_certificate_is_refused(name: str):
    with pytest.raises(SettingsError, match="belong together"):
        read(**{name: '"x.pem"'})


@pytest.mark.parametrize(
    "listen", ["127.0.0.1", "8800", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:²", "host:1", ":1"]
)
def test_what_is_no_address_is_refused(listen: str):
    with pytest.raises(SettingsError, match="listen"):
        read(listen=f'"{listen}"')


def test_an_unknown_setting_is_named():
    with pytest.raises(SettingsError, match="wirte_quorum"):
        read(wirte_quorum="2")


@pytest.mark.parametrize("name", list(LEAST))
def test_a_missing_setting_is_named(name: str):
    with pytest.raises(SettingsError, match=f"lacks {name}"):
        read(**{name: None})


def test_what_is_no_toml_is_refused():
    with pytest.raises(SettingsError, match="not TOML"):
        parse("listen = ", BASE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", "8800"),
        ("data", "true"),
        ("data", '""'),
        ("data", '"a\\u0000b"'),
        ("data", '"/"'),
        ("replicas", '"a"'),
        ("replicas", "[]"),
        ("replicas", "[1, 2, 3]"),
        ("replicas", '["a", "b", "c", "d", "e", "f", "g", "h"]'),
        ("write_quorum", "true"),
        ("write_quorum", "0"),
        ("write_quorum", '"2"'),
        ("write_quorum", "2.0"),
        ("toy", "1"),
        ("reserve_bytes", "-1"),
        ("scrub_bytes_per_second", "0"),
        ("public_url", "1"),
        ("public_url", '"http://contacts.example.org"'),
        ("public_url", '"https://contacts.example.org/dav/"'),
        ("public_url", '"https://contacts.example.org:0"'),
        ("public_url", '"https://contacts.example.org:65536"'),
        ("public_url", '"https://ann@contacts.example.org"'),
        ("trusted_proxies", '"10.0.0.1"'),
        ("trusted_proxies", "[1]"),
        ("trusted_proxies", '["proxy"]'),
        ("trusted_proxies", '["10.0.0.1/8"]'),
        ("access_log", '"stdout"'),
        ("access_log", "[]"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(name: str, value: str):
    with pytest.raises(SettingsError, match=name):
        read(**{name: value})


@pytest.mark.parametrize("quorum", ["1", "4"])
def test_a_quorum_that_is_no_majority_is_refused(quorum: str):
    with pytest.raises(SettingsError, match="more than half"):
        read(write_quorum=quorum)


@pytest.mark.parametrize(
    "replicas", ['["a", "a", "c"]', '["a", "a/b", "c"]', '["data/a", "b", "c"]', '[".", "b", "c"]']
)
def test_directories_inside_one_another_are_refused(replicas: str):
    with pytest.raises(SettingsError, match="inside another"):
        read(replicas=replicas)


def test_names_lists_every_setting_once():
    assert names() == [
        *LEAST, "toy", "reserve_bytes", "scrub_bytes_per_second", "public_url", "trusted_proxies",
        "access_log", "tls_certificate", "tls_key",
    ]  # fmt: skip
