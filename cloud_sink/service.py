"""The sink as one process: broker (if embedded), subscriber, the thread that owns the database, the web server."""

import logging
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from sqlalchemy.exc import OperationalError

from cloud_sink.adapters.embedded_broker import EmbeddedBroker
from cloud_sink.adapters.mqtt import Delivery, MqttSubscriber
from cloud_sink.adapters.smtp import Outbox
from cloud_sink.config import BrokerSettings, SinkConfiguration
from cloud_sink.errors import SinkError
from cloud_sink.ingest import SINK_STATE_TOPIC, SUBSCRIPTIONS, Ingest, sink_state
from cloud_sink.keeping import Keeper
from cloud_sink.listening import listen, shown
from cloud_sink.live import LivePicture
from cloud_sink.live_channel import LiveChannel
from cloud_sink.office import Offices
from cloud_sink.reachable import check_guarded, only_here, page_address
from cloud_sink.reports.mailing import Mailer, MailingLoop
from cloud_sink.rolling import Roller, RollingLoop
from cloud_sink.store import Store
from cloud_sink.trust import Renewals, Revocations
from cloud_sink.updates import Updates
from cloud_sink.web.app import create_app
from cloud_sink.web.live import add_live

BATCH_MESSAGES = 500  # a transaction takes what came within GATHER_S, so many at most
GATHER_S = 0.02
IDLE_S = 0.2  # how long the ingest thread may not notice that it shall stop
RETRY_S = 1.0  # a database that cannot be written is tried again
START_S = 15.0
STOP_S = 1.0

_log = logging.getLogger(__name__)


class IngestLoop:
    """Moves messages from the subscriber into the store and acknowledges them, on the one thread that writes."""

    def __init__(self, subscriber: MqttSubscriber, ingest: Ingest, now_ms: Callable[[], int]) -> None:
        self._subscriber = subscriber
        self._ingest = ingest
        self._now_ms = now_ms
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            deliveries = self._subscriber.next_messages(BATCH_MESSAGES, IDLE_S, GATHER_S)
            if deliveries:
                self._store_until_it_works(deliveries)

    def _store_until_it_works(self, deliveries: list[Delivery]) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                self._store(deliveries)
            except Exception as error:  # noqa: BLE001 - this thread must not end: nobody else would store anything
                if failures == 0:
                    _tell_failure(error)
                failures += 1
                self._stopping.wait(RETRY_S)
            else:
                if failures:
                    _log.warning("the database can be written again")
                return

    def _store(self, deliveries: list[Delivery]) -> None:
        messages = [(delivery.topic, delivery.payload) for delivery in deliveries]
        answers = self._ingest.receive_messages(messages, self._now_ms())
        self._subscriber.acknowledge(deliveries)
        for topic, payload in answers:
            self._subscriber.publish(topic, payload)


def _tell_failure(error: Exception) -> None:
    reason = error.orig if isinstance(error, OperationalError) and error.orig else error
    _log.error(
        "the database cannot be written: %s; trying again every second, events wait in the boxes' spools", reason
    )
    if not isinstance(error, OperationalError):
        _log.error("this should not happen, please report it", exc_info=error)


class WebServer:
    """uvicorn on a thread of its own, on a socket that listens already."""

    def __init__(
        self, listener: socket.socket, store: Store, configuration: SinkConfiguration, picture: LivePicture
    ) -> None:
        self._listener = listener
        web = configuration.web
        application = create_app(
            store, configuration.plans, reports=configuration.reports, web=web, local=only_here(configuration)
        )  # fmt: skip
        add_live(application, picture)
        settings = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            forwarded_allow_ips=list(web.proxies),  # who may say for whom, and over what, a request is passed on
            ssl_certfile=web.certificate_file or None,
            ssl_keyfile=web.key_file or None,
            timeout_graceful_shutdown=1,  # a page that streams must not hold up the end
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Return once it serves. Raises SinkError where it does not."""
        self._thread.start()
        until = time.monotonic() + START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise SinkError("the web server did not start")
            time.sleep(0.01)

    def begin_stop(self) -> None:
        """Take no new requests; pages under way get a second."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Wait for its end."""
        self.begin_stop()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def make_mailer(store: Store, configuration: SinkConfiguration) -> Mailer:
    """Build what mails the configuration's reports by its mail server."""
    offices = Offices(store, configuration.plans, _wall_ms)
    outbox = Outbox(configuration.mail)
    return Mailer(offices, configuration.reports, configuration.mail.sender, outbox.send, _wall_ms)


class Sink:
    """All of it. Everything that can be wrong with configuration, ports and database is raised by the constructor."""

    def __init__(self, configuration: SinkConfiguration) -> None:
        self.store = Store.open(configuration.sink.database)
        self.store.migrate()
        check_guarded(self.store, configuration)
        self._listener = listen(configuration.sink.listen, "[sink] listen")
        self._broker = (
            EmbeddedBroker(configuration.sink.embedded_broker) if configuration.sink.embedded_broker else None
        )
        settings = configuration.broker if self._broker is None else BrokerSettings(*self._broker.address)
        states = (sink_state(online=True), sink_state(online=False))
        picture = LivePicture()
        live = LiveChannel(picture, configuration.office_of_box, _wall_ms)
        revoked = Revocations(settings.revoked_file)

        def take_at_once(topic: str, payload: bytes) -> bool:
            return revoked.receive_message(topic, payload) or live.receive_message(topic, payload)

        self._subscriber = MqttSubscriber(settings, SUBSCRIPTIONS, SINK_STATE_TOPIC, states, take_at_once)
        ingest = Ingest(
            self.store, configuration.plans, configuration.office_of_box,
            renewals=Renewals(settings.renewals_folder), updates=Updates(settings.updates_folder),
        )  # fmt: skip
        self._ingest = IngestLoop(self._subscriber, ingest, _wall_ms)
        keeper = Keeper(self.store, configuration.plans, configuration.retention, _wall_ms)
        self._rolling = RollingLoop(Roller(self.store, configuration.plans, _wall_ms), keeper.trim)
        self._web = WebServer(self._listener, self.store, configuration, picture)
        self._mailing = MailingLoop(make_mailer(self.store, configuration))
        self.addresses = {
            "dashboard": page_address(configuration, self._listener.getsockname()[:2]),
            "broker": shown((settings.host, settings.port)),
            "database": self.store.url,
        }

    def start(self) -> None:
        """Return once pages are served and, with the embedded broker, boxes are heard."""
        if self._broker is not None:
            self._broker.start()
        self._ingest.start()
        self._subscriber.start()
        self._web.start()
        self._rolling.start()
        self._mailing.start()
        if self._broker is not None and not self._subscriber.wait_until_ready(START_S):
            raise SinkError("the sink cannot reach its own broker")

    def stop(self) -> None:
        """End within two seconds: what is not committed is still in the boxes' spools."""
        self._web.begin_stop()
        self._mailing.stop()
        self._ingest.stop()
        self._rolling.stop(STOP_S)
        self._subscriber.stop()
        if self._broker is not None:
            self._broker.stop()
        self._web.stop()
        self.store.close()
