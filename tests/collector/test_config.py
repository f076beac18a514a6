"""The box's configuration: `collector.config`."""

import pytest

from collector import config
from collector.errors import ConfigurationError


def load(tmp_path, text):
    """Read this text as a file."""
    path = tmp_path / "box.toml"
    path.write_text(text)
    return config.load(str(path))


def test_the_lab_configuration_is_read(lab_config):
    """One file for box and sink: the sink's sections are left alone, addresses and ranges are parsed."""
    settings = config.load(str(lab_config))
    assert ("lab", "lab", "demo") == (settings.box.id, settings.box.office, settings.box.tenant)
    assert (5060, 5070) == settings.sip.ports
    assert (bytes([10, 77, 1, 5]), 16) == (settings.sip.pbx[0], len(settings.sip.pbx[1]))
    assert (("101", "120"),) == settings.sip.extensions
    assert settings.numbers.country == "44"


def test_an_empty_file_has_every_default(tmp_path):
    """Nothing is mandatory for a replay; a service needs a name."""
    settings = load(tmp_path, "")
    assert ((5060,), "keyed", 256 << 20) == (
        settings.sip.ports,
        settings.privacy.caller_numbers,
        settings.spool.max_bytes,
    )
    with pytest.raises(ConfigurationError, match=r"box\.toml: \[box\] id: missing"):
        settings.require_box()


def test_what_the_core_wants_is_handed_over(tmp_path):
    """Ports "any" and one extension without a range reach the monitor's settings."""
    text = '[sip]\nports = "any"\nextensions = ["101-120", "7001"]\n[numbers]\ncountry = "49"\narea = "30"'
    wanted = load(tmp_path, text).monitor_settings()
    assert (True, (("101", "120"), ("7001", "7001"))) == (wanted.any_port, wanted.extensions)


def test_sources_are_read_in_order(tmp_path):
    """Each [[source]] is one; relative paths start at the file's folder."""
    settings = load(tmp_path, '[[source]]\npath = "a.pcap"\n[[source]]\nkind = "file"\npath = "-"')
    assert ["a.pcap", "-"] == [source.path for source in settings.sources]
    assert str(tmp_path / "a.pcap") == str(settings.resolve("a.pcap"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[boxx]\n", '[boxx]: unknown section; did you mean "box"?'),
        ("[box]\nidd = 'a'", '[box] idd: unknown key; did you mean "id"?'),
        ("[sip]\nextentions = []", '[sip] extentions: unknown key; did you mean "extensions"?'),
        ("[[source]]\nfile = 'a'", "[source] file: unknown key"),
        ("[source]\npath = 'a'", "[source]: write [[source]]"),
        (f"[sip]\nports = {list(range(1, 258))}", '[sip] ports: has 257 ports, 256 is the limit; use "any"'),
        ("box = 1", "box: must be a section, written [box]"),
        ("[box]\nid = 'A b'", "[box] id: 'A b' is no name of a box"),
        ("[box]\nid = 7", "[box] id: must be text in quotes"),
        ("[sip]\nports = [0]", "[sip] ports: must be a whole number from 1 to 65535"),
        ("[sip]\nports = 5060", "[sip] ports: must be a list of port numbers"),
        ("[sip]\npbx = ['10.77.1']", "[sip] pbx: '10.77.1' does not appear to be an IPv4 or IPv6 address"),
        ("[sip]\nextensions = ['120-101']", "[sip] extensions: '120-101' is no range"),
        ("[sip]\nextensions = ['1-101']", "[sip] extensions: '1-101' is no range"),
        ("[sip]\nextensions = '101'", "[sip] extensions: must be a list of texts"),
        (
            "[privacy]\ncaller_numbers = 'keye'",
            "caller_numbers: 'keye' is none of clear, masked, keyed; did you mean \"keyed\"?",
        ),
        ("[spool]\nmax_bytes = true", "[spool] max_bytes: must be a whole number from 65536"),
        ("[mqtt]\nport = 99999", "[mqtt] port: must be a whole number from 1 to 65535"),
        ("[box\n", "is not valid TOML"),
    ],
)
def test_every_mistake_names_file_and_key(tmp_path, text, complaint):
    """One line, with what would be right or what was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/box.toml: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text_are_named(tmp_path):
    """A missing file, a folder, and bytes that are no UTF-8."""
    with pytest.raises(ConfigurationError, match="No such file"):
        config.load(str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match="Is a directory"):
        config.load(str(tmp_path))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        config.load(str(tmp_path / "bytes"))


def test_every_key_has_a_meaning():
    """The documentation is made from these."""
    keys = list(config.documented_keys())
    assert len(keys) > 25
    assert len(keys) == len({key[:2] for key in keys})
    assert all(about for *_, about in keys)


def test_live_sources_are_read(tmp_path):
    """Each kind has its own keys; names are given where there are none."""
    text = """
        [[source]]
        kind = "live"
        interfaces = ["eth0", "eth1"]
        promiscuous = false
        [[source]]
        kind = "tzsp"
        listen = "[fd77::5]:4000"
        allow = ["192.168.88.1", "10.0.0.0/8"]
        [[source]]
        kind = "tzsp"
        listen = ":37009"
        [[source]]
        kind = "hep"
        name = "pbx"
        auth_key_file = "hep.key"
    """
    live, tzsp, tzsp2, hep = load(tmp_path, text).sources
    assert ["live", "tzsp", "tzsp2", "pbx"] == [source.name for source in (live, tzsp, tzsp2, hep)]
    assert (("eth0", "eth1"), False) == (live.interfaces, live.promiscuous)
    assert (("fd77::5", 4000), ["192.168.88.1/32", "10.0.0.0/8"]) == (tzsp.listen, [str(net) for net in tzsp.allow])
    assert ((("", 37009), ("", 0)), "hep.key") == ((tzsp2.listen, hep.listen), hep.auth_key_file)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('kind = "live"', '[[source]] interfaces: missing; kind = "live" needs it'),
        ('kind = "file"', '[[source]] path: missing; kind = "file" needs it'),
        ('kind = "hep"\npath = "a"', '[[source]] path: is for kind = "file", not "hep"'),
        ('kind = "tzsp"\nlisten = "37008"', '[source] listen: must be "ADDRESS:PORT", or ":PORT"'),
        ('kind = "tzsp"\nallow = ["10.0.0.1/8"]', "[source] allow: 10.0.0.1/8 has host bits set"),
        ('kind = "live"\ninterfaces = ["a"]\npromiscuous = 1', "[source] promiscuous: must be true or false"),
        ('kind = "hep"\nname = "Big Name"', "[source] name: 'Big Name' is no name of a source"),
        ('kind = "hep"\n[[source]]\nkind = "tzsp"\nname = "hep"', '[[source]] name: "hep" is taken'),
    ],
)
def test_wrong_sources_are_named(tmp_path, source, complaint):
    """The key that is wrong, and what would be right."""
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, f"[[source]]\n{source}")
    assert complaint in str(raised.value)
