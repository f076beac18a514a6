"""Who can reach the page: a sink that others than its own machine can ask must know its users, or trust a proxy."""

import ssl

from cloud_sink.config import SinkConfiguration
from cloud_sink.errors import ConfigurationError
from cloud_sink.listening import shown
from cloud_sink.store import Store
from cloud_sink.users.settings import is_loopback


def only_here(configuration: SinkConfiguration) -> bool:
    """Whether only this machine can reach the page."""
    return is_loopback(configuration.sink.listen[0])


def page_address(configuration: SinkConfiguration, listens: tuple[str, int]) -> str:
    """Where browsers find it, by the address that is listened on."""
    return f"http{'s' if configuration.web.certificate_file else ''}://{shown(listens)}"


def check_guarded(store: Store, configuration: SinkConfiguration) -> None:
    """Raise ConfigurationError where everybody could read everything, or TLS cannot work."""
    file, web = configuration.file, configuration.web
    if not web.open and not only_here(configuration) and not store.has_users():
        raise ConfigurationError(
            f'{file}: [sink] listen = "{shown(configuration.sink.listen)}" shows the page to others than this machine, '
            f"and there are no users yet. Add the first: `ringtap-sink user add NAME --role admin --config {file}`; or "
            "listen on 127.0.0.1; or, where a proxy in front asks who is there, say [web] open = true"
        )
    if web.certificate_file:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(web.certificate_file, web.key_file)
        except OSError as error:
            problem = error.strerror or error
            raise ConfigurationError(f"{file}: [web] certificate_file and key_file are no pair: {problem}") from error
