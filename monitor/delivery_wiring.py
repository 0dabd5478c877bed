"""The part of the composition root that delivers: apart, because it needs neither rasters nor networks."""

from random import random

from monitor.adapters.channels.apprise_channel import AppriseChannel
from monitor.adapters.channels.folder import FolderChannel
from monitor.adapters.channels.secrets import Secret
from monitor.adapters.channels.webhook import Webhook
from monitor.adapters.store import SqlStore, make_owner
from monitor.config import ChannelSettings, Settings
from monitor.core.addresses import Addresses
from monitor.delivering import Courier, Delivery
from monitor.ports import Outlet


def build_delivery(settings: Settings) -> Delivery:
    """Everything that delivers, with connections of its own to the database.

    Raises:
        ConfigError: the database URL cannot be used.
    """
    store, owner = SqlStore(settings.database, limits=settings.limits), make_owner()
    # Without it only this machine knows where it is found: an address that leads nowhere is worse than none.
    told = (settings.alert_languages[0], settings.addresses if settings.serve.public_url else None)
    couriers = [
        Courier(
            channel=chosen.record(name), outlet=open_outlet(name, chosen, *told), store=store, owner=owner, draw=random
        )
        for name, chosen in settings.channels.items()
    ]
    return Delivery(store=store, couriers=couriers, close=store.close)


def open_outlet(name: str, chosen: ChannelSettings, language: str = "en", links: Addresses | None = None) -> Outlet:
    """The receiver of one channel, told in a language where it is for people; nothing is opened yet.

    `links` is where alerts are found on the web; None: nothing leads there, as from an exercise of its own database.
    """
    url = _secret(name, chosen, "url")
    if chosen.type == "webhook":
        secret = _secret(name, chosen, "secret")
        return Webhook(name=name, url=url, secret=secret, allow_private=chosen.allow_private, links=links)
    if chosen.type == "apprise":
        return AppriseChannel(name=name, url=url, allow_private=chosen.allow_private, language=language, links=links)
    assert chosen.path is not None
    return FolderChannel(name=name, folder=chosen.path, links=links)


def _secret(name: str, chosen: ChannelSettings, setting: str) -> Secret:
    given = getattr(chosen, setting)
    value = None if given is None else given.get_secret_value()
    return Secret(item=f"channels.{name}.{setting}", value=value, file=getattr(chosen, f"{setting}_file"))
