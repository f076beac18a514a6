"""The command `ringtap-collector`: the only place that builds adapters and puts them together."""

import argparse
import hashlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from collector import config, journal
from collector.adapters.afpacket import InterfaceSource, sample_traffic
from collector.adapters.followed import FollowedSource
from collector.adapters.hep_listener import HepSource
from collector.adapters.jsonl import JsonLines
from collector.adapters.mqtt import Broker, Identity, MqttPublisher, check_certificates
from collector.adapters.pcapfile import PcapFileSource, open_captures
from collector.adapters.spool import Spool
from collector.adapters.tzsp_listener import TzspSource
from collector.blindness import Lookout
from collector.caller_keys import KeyRing, load_keys, rotate
from collector.clock import WallClock
from collector.core.hep import PORT as HEP_PORT
from collector.core.monitor import CallMonitor
from collector.core.parties import Parties
from collector.core.registrar import Registrar
from collector.core.tzsp import PORT as TZSP_PORT
from collector.credentials import CertificateFiles
from collector.errors import ConfigurationError, RingtapError
from collector.journal import tell
from collector.live import LiveService
from collector.ports import FrameSource, LiveSource
from collector.privacy import CallerPrivacy
from collector.progress import ProgressLine
from collector.service import Service
from collector.supervisor import Supervisor, clock_is_synchronised, drop_capabilities
from collector.timeline import Timeline
from collector.traffic import describe_sample
from collector.wallboard import Wallboard

_log = logging.getLogger(__name__)

MACHINE_ID_FILE = Path("/etc/machine-id")

EXAMPLES = """\
examples:
  ringtap-collector check-config --config box.toml
  ringtap-collector run --config box.toml
  ringtap-collector run --config box.toml --source office.pcap.gz --once
  ringtap-collector run --config box.toml --source office.pcap --print | head
  ringtap-collector rotate-key --config box.toml --at 2026-12-01T02:00:00+01:00
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 fine, 1 problems found, 2 wrong use."""
    arguments = make_parser().parse_args(argv)
    logging.basicConfig(format="ringtap-collector: %(message)s", level=logging.WARNING)
    try:
        return int(arguments.command(arguments))
    except RingtapError as error:
        print(f"ringtap-collector: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of --print has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def make_parser() -> argparse.ArgumentParser:
    """The commands and their arguments; the reference pages are made from it too."""
    parser = argparse.ArgumentParser(
        prog="ringtap-collector",
        description="Listens to SIP signalling and sends what happened to the sink.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ringtap {version('ringtap')}")
    commands = parser.add_subparsers(title="commands", required=True)
    run = _add_command(commands, "run", "listen, and send what happened", _run)
    run.add_argument("--source", metavar="FILE", action="append", help="read this recording instead of the [[source]]s")
    run.add_argument("--speed", type=_speed, default=0.0, metavar="N", help="N times as fast as it happened; "
                     "default: as fast as it goes")  # fmt: skip
    run.add_argument("--print", action="store_true", help="print events as JSON lines instead of sending them")
    run.add_argument("--once", action="store_true", help="end when recordings are read and the sink has everything")
    run.add_argument("--print-health", action="store_true", help="print counters and conditions once a minute "
                     "(live sources)")  # fmt: skip
    _add_command(commands, "check-config", "read the configuration and say what is wrong with it", _check_config)
    about = "key callers' numbers with another secret from a moment on: earlier and later calls are not tied together"
    rotate_key = _add_command(commands, "rotate-key", about, _rotate_key)
    rotate_key.add_argument("--at", metavar="TIME", type=_moment, help="when, such as 2026-12-01T02:00:00+01:00: best "
                            "while nobody rings (default: the coming midnight here)")  # fmt: skip
    return parser


def _add_command(commands, name, about, function) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=about, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--config", required=True, metavar="F", help="configuration file (TOML)")
    command.set_defaults(command=function)
    return command


def _speed(text: str) -> float:
    speed = float(text)
    if speed < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return speed


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise argparse.ArgumentTypeError("is no time such as 2026-12-01T02:00:00+01:00") from None


# --- the commands ---------------------------------------------------------------------------------------------------


def _check_config(arguments: argparse.Namespace) -> int:
    settings = config.load(arguments.config)
    settings.require_box()
    check_certificates(_broker(settings))
    if settings.is_live():
        for source in settings.sources:
            made = _make_source(settings, source)
            if isinstance(made, HepSource):
                made.check_certificate()
    if settings.privacy.caller_numbers == "keyed":
        load_keys(_key_path(settings), make=False)
    if not settings.numbers.country:
        print(f"{arguments.config}: [numbers] country is not set: a caller whose number is written in two ways is two")
    print(f"{arguments.config}: fine: box {settings.box.id}, broker {settings.mqtt.host}:{settings.mqtt.port}, "
          f"{len(settings.sources)} source(s), caller numbers {settings.privacy.caller_numbers}")  # fmt: skip
    return 0


def _rotate_key(arguments: argparse.Namespace) -> int:
    settings = config.load(arguments.config)
    path = _key_path(settings)
    here = datetime.now().astimezone()
    midnight = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    at = (arguments.at or midnight).astimezone(UTC)
    ring = rotate(path, at)
    print(
        f"{path}: {len(ring.keys)} key(s), a new one from {at:%Y-%m-%dT%H:%M:%SZ} on; now let the service read it "
        "(systemctl reload ringtap-collector), and give the same file to the tenant's other boxes before then"
    )
    return 0


def _run(arguments: argparse.Namespace) -> int:
    settings = config.load(arguments.config)
    settings.require_box()
    if not arguments.source and settings.is_live():
        return _listen(arguments, settings)
    paths = _source_paths(settings, arguments.source)
    source = open_captures(paths)
    store = None if arguments.print else _open_spool(settings)
    sink = JsonLines(sys.stdout) if store is None else _open_publisher(settings, store)
    monitor, privacy = CallMonitor(settings.monitor_settings()), _privacy(settings)
    if isinstance(sink, MqttPublisher) and arguments.speed:  # as fast as it goes is nothing to watch
        monitor.listen_to_progress(Wallboard(sink, privacy.protect).receive_progress)
    service = Service(monitor, sink, privacy.protect)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    progress = ProgressLine("reading", sys.stderr, tenths=arguments.once and not arguments.print)
    watch = partial(service.watch, source, speed=arguments.speed, on_progress=progress)
    if store is None or "-" in paths:
        finished = watch()
    else:
        finished = watch(skip_events=store.resume_source(_fingerprint(paths, settings)), resumable=True)
    if arguments.once or arguments.print:
        service.deliver()
    else:
        service.stay()
    if store is not None and finished:  # not sooner: killed while it delivers it must not begin the recording again
        store.finish_source()
    sink.close()
    return _report_problems(source)


def _listen(arguments: argparse.Namespace, settings: config.Configuration) -> int:
    """Live sources: until told to stop."""
    journal.begin(settings.box.log)
    sources = [_make_source(settings, source) for source in settings.sources]
    alive_ms = None if arguments.print else _last_sign_of_life(settings)
    sink = JsonLines(sys.stdout) if arguments.print else _open_publisher(settings, _open_spool(settings), WallClock())
    supervisor, timeline, privacy = Supervisor(), Timeline(), _privacy(settings)
    monitor = CallMonitor(settings.monitor_settings())
    if isinstance(sink, MqttPublisher):
        monitor.listen_to_progress(Wallboard(sink, privacy.protect, timeline.wall_ahead_ms).receive_progress)
    service = LiveService(
        monitor,
        sink,
        privacy.protect,
        sources,
        _make_lookout(settings),
        timeline=timeline,
        supervisor=supervisor,
        on_health=_print_health if arguments.print_health else len,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    reloader = _Reloader(arguments.config, settings, privacy)
    signal.signal(signal.SIGHUP, lambda *_: service.reload(reloader.choose))
    if alive_ms is not None:
        service.tell_absence(alive_ms)
    service.open_sources()
    drop_capabilities()
    service.run()
    sink.close()
    return 0


def _last_sign_of_life(settings: config.Configuration) -> int | None:
    """When the spool was last written, Unix ms (once a minute at least while the service runs); None: never."""
    path = settings.resolve(settings.spool.path)
    return max((file.stat().st_mtime_ns // 1_000_000 for file in path.parent.glob(path.name + "*")), default=None)


def _print_health(counters: dict[str, int]) -> None:
    print(" ".join(f"{name}={value}" for name, value in counters.items()), flush=True)


class _Reloader:
    """SIGHUP: the file and the keys are read again; sources that changed are exchanged, the others go on."""

    def __init__(self, path: str, settings: config.Configuration, privacy: CallerPrivacy) -> None:
        self._path = path
        self._settings = settings
        self._privacy = privacy

    def choose(self, running: list[LiveSource]) -> list[LiveSource]:
        try:
            fresh = config.load(self._path)
            keys = _load_keys(self._settings)
            chosen = self._exchange(running, fresh)
        except RingtapError as error:
            tell(_log, "error", "reload_refused", error=error)
            return running
        self._privacy.keys = keys
        changed = [name for name in ("box", "sip", "numbers", "privacy", "spool", "mqtt")
                   if getattr(fresh, name) != getattr(self._settings, name)]  # fmt: skip
        if changed:
            tell(_log, "warning", "restart_needed", sections=",".join(changed))
        self._settings = replace(self._settings, sources=fresh.sources)
        tell(_log, "info", "reloaded", sources=",".join(source.name for source in chosen))
        return chosen

    def _exchange(self, running: list[LiveSource], fresh: config.Configuration) -> list[LiveSource]:
        kept = {source.name: source for source in running}
        known = {source.name: source for source in self._settings.sources}
        chosen = [
            kept[source.name] if known.get(source.name) == source else _make_source(fresh, source)
            for source in fresh.sources
        ]
        for source in running:
            if source not in chosen:
                source.close()
        return chosen


def _fingerprint(paths: Sequence[str], settings: config.Configuration) -> str:
    """The same for the same recordings, read with the same knowledge: then the same events come out."""
    files = [(path, Path(path).stat().st_size, Path(path).stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr((files, settings.sip, settings.numbers)).encode()).hexdigest()[:16]


def _report_problems(source: FrameSource) -> int:
    for problem in source.problems:
        print(f"ringtap-collector: {problem}", file=sys.stderr)
    return 1 if source.problems else 0


# --- from settings to parts -----------------------------------------------------------------------------------------


def _source_paths(settings: config.Configuration, named: list[str] | None) -> list[str]:
    configured = [item.path if item.path == "-" else str(settings.resolve(item.path)) for item in settings.sources]
    if not named and not configured:
        raise ConfigurationError(
            f"{settings.path}: [[source]]: missing; add one, or name a recording with --source FILE"
        )
    return named or configured


def _make_source(settings: config.Configuration, source: config.Source) -> LiveSource:
    """Raises ConfigurationError for what could not ever work; what may come right later is the source's trouble."""
    host, port = source.listen
    if source.kind == "live":
        return InterfaceSource(source.name, source.interfaces, settings.sip.ports, promiscuous=source.promiscuous)
    if source.kind == "tzsp":
        return TzspSource(source.name, host, port or TZSP_PORT, source.allow)
    if source.kind == "hep":
        certificate, key = (
            settings.resolve(name) if name else None for name in (source.certificate_file, source.key_file)
        )
        return HepSource(source.name, host, port or HEP_PORT, source.allow, auth_key=_auth_key(settings, source),
                         certificate_file=certificate, key_file=key)  # fmt: skip
    if source.follow or source.path == "-":
        path = source.path if source.path == "-" else str(settings.resolve(source.path))
        follow = source.follow and path != "-"  # a pipe ends by itself, and all of it is new
        return FollowedSource(
            source.name,
            lambda all_is_new: PcapFileSource(path, follow=follow, from_start=all_is_new),
            comes_again=path != "-",
        )
    raise ConfigurationError(
        f"{settings.path}: [[source]] {source.name}: a recording cannot be read beside live sources; "
        "read it alone, with --source FILE"
    )


def _auth_key(settings: config.Configuration, source: config.Source) -> str:
    return _first_line(settings, "[[source]] auth_key_file", source.auth_key_file)


def _make_lookout(settings: config.Configuration) -> Lookout:
    interfaces = [name for source in settings.sources for name in source.interfaces]
    return Lookout(
        settings.box.silence_s * 1000,
        settings.named_extensions(),
        clock_ok=clock_is_synchronised,
        sample_traffic=lambda: _sample(interfaces) if interfaces else "",
    )


def _sample(interfaces: Sequence[str]) -> str:
    sample = sample_traffic(interfaces)
    return describe_sample(sample.packets, sample.overheard)


def _privacy(settings: config.Configuration) -> CallerPrivacy:
    mode = settings.privacy.caller_numbers
    office = Parties(Registrar(), (), (), settings.sip.extensions, settings.sip.feature_codes)
    return CallerPrivacy(
        mode, _load_keys(settings), lambda number: office.is_extension(number) or office.is_feature_code(number)
    )


def _key_path(settings: config.Configuration) -> Path:
    """Of the secret for callers' numbers: beside the spool, unless it is named."""
    beside = settings.resolve(settings.spool.path).parent / "caller.key"
    return settings.resolve(settings.privacy.key_file) if settings.privacy.key_file else beside


def _load_keys(settings: config.Configuration) -> KeyRing:
    return load_keys(_key_path(settings)) if settings.privacy.caller_numbers == "keyed" else KeyRing([])


def _open_spool(settings: config.Configuration) -> Spool:
    return Spool(
        str(settings.resolve(settings.spool.path)),
        max_bytes=settings.spool.max_bytes,
        max_days=settings.spool.max_days,
        machine=MACHINE_ID_FILE.read_text().strip() if MACHINE_ID_FILE.exists() else "",
    )


def _open_publisher(settings: config.Configuration, store: Spool, clock: WallClock | None = None) -> MqttPublisher:
    box = settings.box
    identity = Identity(box.id, box.office, box.tenant, version("ringtap"))
    return MqttPublisher(store, _broker(settings), identity, clock=clock)


def _broker(settings: config.Configuration) -> Broker:
    mqtt = settings.mqtt
    return Broker(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=_password(settings),
        certificates=CertificateFiles(
            **{name: str(settings.resolve(path)) if (path := getattr(mqtt, f"{name}_file")) else "" for name in
               ("ca", "certificate", "key", "secret")},
            renewed=str(settings.resolve(settings.spool.path).with_name("certificate.pem")),
        ),
    )  # fmt: skip


def _password(settings: config.Configuration) -> str:
    return _first_line(settings, "[mqtt] password_file", settings.mqtt.password_file)


def _first_line(settings: config.Configuration, key: str, name: str) -> str:
    """Of a file with a secret; "" where the key names none."""
    if not name:
        return ""
    path = settings.resolve(name)
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except OSError as error:
        raise ConfigurationError(f"{settings.path}: {key}: {path}: {error.strerror}") from error
