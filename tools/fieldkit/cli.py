"""The command `ringtap`: field work on recordings."""

import argparse
import getpass
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.errors import ConfigurationError as SinkConfigurationError
from collector import config
from collector.adapters.pcapfile import open_captures
from collector.errors import RingtapError, WrongUse
from collector.progress import ProgressLine
from fieldkit import decode, flash, fleet, simulate, watch
from fieldkit.bench.brokers import BROKERS
from fieldkit.bench.core import run_core_benchmark
from fieldkit.bench.hostile import run_hostile_benchmark
from fieldkit.bench.live import run_live_benchmark
from fieldkit.broker_files import TLS_PORT
from fieldkit.doctor import describe, examine_capture, examine_interface
from fieldkit.output import FORMATS
from fieldkit.replay import Replayed, replay
from fieldkit.views import VIEWS

EXAMPLES = """\
examples:
  ringtap replay office.pcap
  ringtap replay monday.pcap.gz tuesday.pcapng --config office.toml --show kpis
  ringtap replay office.pcap --config office.toml --show contacts --format csv > contacts.csv
  tcpdump -i any -w - port 5060 | ringtap replay - --show legs --format jsonl
"""
PROVISION_EXAMPLES = """\
examples:
  ringtap provision pki --host sink.example.net
  ringtap provision pki --box office-1 --office london
  ringtap provision pki --revoke office-1
  ringtap provision pki --renew
  ringtap enrol office-1.toml --into /etc/ringtap
"""
DOCTOR_EXAMPLES = """\
examples:
  ringtap doctor --capture office.pcap
  sudo ringtap doctor --live eth0 --seconds 120 --config box.toml
"""
RENEW_DAYS = 60  # twice as long as boxes warn: there is time for those that are away
DEFAULT_OFFICE = "office"
DEFAULT_BOX = "replay"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 fine, 1 problems found, 2 wrong use."""
    arguments = make_parser().parse_args(argv)
    logging.basicConfig(format="ringtap: %(message)s", level=logging.WARNING)
    try:
        return int(arguments.command(arguments))
    except SinkConfigurationError as error:
        return _complain(error, WrongUse.exit_code)
    except RingtapError as error:
        return _complain(error, error.exit_code)
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _complain("stopped", 1)


def _complain(error: object, exit_code: int) -> int:
    print(f"ringtap: {error}", file=sys.stderr)
    return exit_code


def make_parser() -> argparse.ArgumentParser:
    """The commands and their arguments; the reference pages are made from it too."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="ringtap", description="Field work on SIP recordings.", epilog=EXAMPLES, formatter_class=form
    )
    parser.add_argument("--version", action="version", version=f"ringtap {version('ringtap')}")
    commands = parser.add_subparsers(title="commands", required=True)
    about = "say what the sink would say about a recording: the whole pipeline in one process, no broker"
    command = commands.add_parser("replay", help=about, description=about, epilog=EXAMPLES, formatter_class=form)
    command.add_argument("captures", nargs="+", metavar="CAPTURE", help="pcap or pcapng, .gz too; - is standard input; "
                         "several are one stream in order of time")  # fmt: skip
    command.add_argument(
        "--config", metavar="F", help="what is known of the office (TOML): the box's and the sink's part"
    )
    shown = "; ".join(f"{name}: {view.about}" for name, view in VIEWS.items())
    command.add_argument("--show", choices=VIEWS, default="contacts", help=f"{shown} (default: %(default)s)")
    command.add_argument("--format", choices=FORMATS, default="table", help="how to print it (default: %(default)s)")
    command.set_defaults(command=_replay)
    _add_bench(commands)
    _add_doctor(commands)
    _add_provision(commands)
    decode.add_command(commands)
    flash.add_command(commands)
    fleet.add_command(commands)
    simulate.add_command(commands)
    watch.add_command(commands)
    return parser


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "say what is wrong with a tap and what to change on the router; exit status 1 where something is"
    command = commands.add_parser("doctor", help=about, description=about, epilog=DOCTOR_EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--capture", metavar="FILE", help="a recording (pcap or pcapng, .gz too); - is standard input")
    where.add_argument("--live", metavar="INTERFACE", help="a network interface of this machine; needs root")
    command.add_argument("--seconds", type=float, default=30.0, metavar="S", help="how long to listen to it "
                         "(default: %(default)s)")  # fmt: skip
    command.add_argument("--config", metavar="F", help="the box's configuration, for its [sip] ports")
    command.add_argument("--format", choices=("table", "json"), default="table", help="how to print it (default: "
                         "%(default)s)")  # fmt: skip
    command.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    box = config.load(arguments.config) if arguments.config else config.Configuration()
    settings, expected = box.monitor_settings(), box.named_extensions()
    if arguments.live:
        progress = ProgressLine("listening", sys.stderr, tenths=False)
        examination = examine_interface(arguments.live, settings, arguments.seconds, progress, expected)
    else:
        source = open_captures([arguments.capture])
        examination = examine_capture(source.frames(), arguments.capture, settings, expected)
        for problem in source.problems:
            _complain(problem, 1)
    if arguments.format == "json":
        print(json.dumps(examination.as_json(), indent=2))
    else:
        print("\n".join(describe(examination)))
    return 1 if examination.conditions else 0


def _add_provision(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    form = argparse.RawDescriptionHelpFormatter
    about = "make the certificates of a broker, a sink and boxes, and say what to carry where"
    command = commands.add_parser(
        "provision", help=about, description=about, epilog=PROVISION_EXAMPLES, formatter_class=form
    )
    command.add_argument("folder", metavar="FOLDER", type=Path, help="where everything is kept; what is there stays")
    command.add_argument("--host", metavar="NAME", help="how boxes reach the broker; needed the first time")
    command.add_argument("--port", metavar="N", type=int, default=TLS_PORT, help="its port (default: %(default)s)")
    command.add_argument("--box", metavar="ID", action="append", default=[], help="make a bundle for this box; what "
                         "it had before is no longer trusted; may be given again")  # fmt: skip
    command.add_argument("--office", metavar="O", help="office of the boxes (default: the box's own name)")
    command.add_argument("--revoke", metavar="ID", action="append", default=[], help="trust this box no longer")
    command.add_argument("--renew", metavar="DAYS", type=int, nargs="?", const=RENEW_DAYS, help="new keys and "
                         "certificates for all that end within so many days (60 if not said); boxes get theirs through "
                         "the sink")  # fmt: skip
    command.set_defaults(command=_provision)
    about = "unpack a box's bundle on the box; the bundle is removed"
    command = commands.add_parser("enrol", help=about, description=about, epilog=PROVISION_EXAMPLES,
                                  formatter_class=form)  # fmt: skip
    command.add_argument("bundle", metavar="BUNDLE", type=Path, help="the file that `ringtap provision` made")
    command.add_argument("--into", metavar="FOLDER", type=Path, required=True, help="where certificates and key go")
    command.add_argument("--token", metavar="T", help="the bundle's token (default: ask for it)")
    command.set_defaults(command=_enrol)


def _provision(arguments: argparse.Namespace) -> int:
    from fieldkit.provision import Address, Provision, explain, explain_renewal, explain_revocation

    made = Provision(arguments.folder, Address(arguments.host, arguments.port) if arguments.host else None)
    made.make_servers()
    for box in arguments.revoke:
        made.revoke(box)
        print(explain_revocation(made, box))
    if arguments.renew is not None:
        print(explain_renewal(made, made.renew(arguments.renew)))
    bundles = [made.make_bundle(box, arguments.office or box) for box in arguments.box]
    if bundles or not (arguments.revoke or arguments.renew is not None):
        print(explain(made, bundles))
    return 0


def _enrol(arguments: argparse.Namespace) -> int:
    from fieldkit.provision import enrol

    token = arguments.token or getpass.getpass("token: ")
    box = enrol(arguments.bundle, token, arguments.into)
    print(f"{box}: certificates are in {arguments.into}; add {arguments.into}/mqtt.toml to the box's configuration")
    return 0


def _add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "measure ringtap on this machine; exit status 1 where a goal is missed"
    command = commands.add_parser("bench", help=about, description=about)
    what = (
        "core: SIP messages per CPU-second and memory, beside sngrep and tshark; "
        "hostile: a flood of harmful datagrams with good calls beside it; "
        "chaos: broker, sink and collectors killed at random, nothing lost, nothing counted twice; "
        "sink: spool, delivery through mosquitto, the sink's database, and reports on 10 million legs; "
        "live: real calls over a cable, to a collector that listens (needs root)"
    )
    command.add_argument("what", choices=("core", "hostile", "chaos", "sink", "live"), help=what)
    command.add_argument("--quick", action="store_true", help="a tenth of the load: less exact")
    command.add_argument(
        "--capture", metavar="FILE", type=Path,
        help="core: read this pcap instead of recording calls by sipp; chaos: feed this recording",
    )  # fmt: skip
    command.add_argument(
        "--compiled", metavar="WHEEL", type=Path, help="core: measure this wheel of tools/build-compiled-wheel beside"
    )
    command.add_argument("--config", metavar="F", type=Path, help="chaos: what is known of the recording's office")
    command.add_argument("--seed", metavar="N", type=int, help="chaos: repeat a run; default: another one each time")
    command.add_argument("--broker", choices=BROKERS, action="append", default=[], help="chaos: on this one only; may "
                         "be given again; default: on each in turn, with --quick on mosquitto")  # fmt: skip
    command.set_defaults(command=_bench)


def _bench(arguments: argparse.Namespace) -> int:
    if arguments.what in {"hostile", "live"}:
        if arguments.capture is not None:
            raise WrongUse(f"bench {arguments.what} makes its own packets: leave --capture out")
        run = run_hostile_benchmark if arguments.what == "hostile" else run_live_benchmark
        return run(quick=arguments.quick)
    if arguments.capture is not None and not arguments.capture.is_file():
        raise WrongUse(f"--capture {arguments.capture}: no such file")
    if arguments.what == "sink":
        return _bench_sink(arguments)
    if arguments.what == "chaos":
        from fieldkit.bench.chaos import Wishes, run_chaos_benchmark

        return run_chaos_benchmark(
            Wishes(arguments.quick, arguments.seed, arguments.capture, arguments.config, arguments.broker)
        )
    return run_core_benchmark(quick=arguments.quick, capture=arguments.capture, compiled=arguments.compiled)


def _bench_sink(arguments: argparse.Namespace) -> int:
    try:
        from fieldkit.bench.chaos import CONFIG
        from fieldkit.bench.delivery import run_delivery_benchmark
        from fieldkit.bench.queries import run_query_benchmark
    except ModuleNotFoundError as error:
        raise WrongUse(
            f"bench sink measures the sink, which is not here ({error}): pip install 'ringtap[sink]'"
        ) from error
    delivered = run_delivery_benchmark(quick=arguments.quick, config=arguments.config or CONFIG)
    print()
    return max(delivered, run_query_benchmark(quick=arguments.quick))


def _replay(arguments: argparse.Namespace) -> int:
    settings = config.load(arguments.config) if arguments.config else config.Configuration()
    monitor_settings = settings.monitor_settings()
    if not arguments.config:  # nothing is known of the recording: SIP is where it looks like SIP
        monitor_settings.any_port = True
    view = VIEWS[arguments.show]
    replayed = replay(
        open_captures(arguments.captures),
        monitor_settings,
        _plan(settings),
        box=settings.box.id or DEFAULT_BOX,
        with_ladder=view.needs_ladder,
        with_legs=view.needs_legs,
        on_progress=ProgressLine("replaying", sys.stderr, tenths=False),
    )
    view.show(replayed, arguments.format, sys.stdout)
    sys.stdout.flush()
    return _report_problems(replayed, arguments.captures, with_config=bool(arguments.config))


def _plan(settings: config.Configuration) -> OfficePlan:
    """The plan of the box's office, or of the only one there is."""
    plans = office_plans(settings.path) if settings.path else {}
    if settings.box.office in plans:
        return plans[settings.box.office]
    if len(plans) == 1 and not settings.box.office:
        return next(iter(plans.values()))
    return OfficePlan(office=settings.box.office or DEFAULT_OFFICE)


def _report_problems(replayed: Replayed, captures: Sequence[str], *, with_config: bool) -> int:
    problems = list(replayed.problems)
    if not replayed.counters["sip_messages"]:
        problems.append(_explain_silence(replayed.counters, ", ".join(captures), with_config=with_config))
    for problem in problems:
        _complain(problem, 1)
    return 1 if problems else 0


def _explain_silence(counters: dict[str, int], captures: str, *, with_config: bool) -> str:
    if counters["encrypted"]:
        return f"{captures}: SIP is encrypted (TLS) here: calls cannot be observed; let the PBX send them (HEP)"
    silence = f"{captures}: no SIP message in {counters['frames']} frames"
    if not with_config:
        return silence
    return f'{silence}; if it uses another port than the --config file says, name it: [sip] ports = [5060] or "any"'
