"""A broker inside the sink's process, for one office or a demo: amqtt on a loop and a thread of its own.

It lets anyone in, so it listens on loopback only. It keeps nothing over a restart and is slow (1,000 to 2,000 messages
a second): enough here, because boxes keep their events until the sink itself has acknowledged them. It hands a client
that connects the retained messages of everybody's subscriptions: whoever receives must look at the topic.
"""

import asyncio
import ipaddress
import logging
import threading

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from cloud_sink.errors import AddressInUse, ConfigurationError
from cloud_sink.listening import listen, peer_reset

START_S = 10.0
STOP_S = 1.5  # of the two seconds in which the sink leaves
_LISTENER = "default"


class EmbeddedBroker:
    """An MQTT 3.1.1 broker on `address` (host, port; port 0: any free one)."""

    def __init__(self, address: tuple[str, int]) -> None:
        _require_loopback(address[0])
        self._socket = listen(address, "[sink] embedded_broker")
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)

    def start(self) -> None:
        """Return once clients can connect. Raises AddressInUse where it cannot start."""
        self._thread.start()
        self._started.wait(START_S)
        if self._failure is not None:
            raise AddressInUse(f"the embedded broker cannot start: {self._failure}")

    def stop(self) -> None:
        """Close every connection; returns within two seconds."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_S)
        self._socket.close()

    def _run(self) -> None:
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)  # it reports each client that goes away as an error
        logging.getLogger("transitions").setLevel(logging.WARNING)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is told to who started it
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        broker = Broker(_configuration(), loop=self._loop)
        await broker.start()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with peer_reset():
                await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER)

        server = await asyncio.start_server(connected, sock=self._socket)
        self._started.set()
        await self._stopping.wait()
        server.close()
        await asyncio.wait_for(broker.shutdown(), STOP_S)


def _configuration() -> BrokerConfig:
    return BrokerConfig(
        listeners={_LISTENER: ListenerConfig(type=ListenerType.EXTERNAL, max_connections=-1)},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigurationError(
            f'[sink] embedded_broker "{host}" is no loopback address: the embedded broker lets anyone in. '
            'Write "127.0.0.1:1883", or run mosquitto and name it in [mqtt]'
        )
