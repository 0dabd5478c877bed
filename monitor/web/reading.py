"""One alert as the web reads it: what a viewer may see of it, and the files that belong to it."""

from http import HTTPStatus
from pathlib import Path

from monitor.core.addresses import Addresses
from monitor.core.evidence_item import CHIPS, evidence_json
from monitor.core.feeds import Told, feature
from monitor.core.geojson import Json
from monitor.core.next_pass import MEMORY, next_passes
from monitor.core.telling import description, instruction
from monitor.records import Earlier, Event, NextPass
from monitor.web.asking import no_such_alert
from monitor.web.auth import Viewer
from monitor.web.parts import WebParts
from monitor.web.problems import Problem


class Reader:
    """Reads single alerts."""

    def __init__(self, parts: WebParts) -> None:
        """From the store and the product folder."""
        self._parts = parts
        self._root = parts.products.resolve()

    @property
    def addresses(self) -> Addresses:
        """Of everything linked."""
        return self._parts.settings.addresses

    def visible(self, event_id: str, viewer: Viewer) -> tuple[Event, tuple[Earlier, ...]]:
        """An alert that the viewer may see, and its revisions that people heard.

        Raises:
            Problem: 404, also for what may not be seen: its ids tell nothing.
        """
        event = self._parts.people.event(event_id)
        told = self._parts.lists.told(event_id) if event else ()
        if event is None or not told or (viewer.released and not event.released):
            raise no_such_alert(event_id)
        return event, told

    def whole(self, event: Event, told: tuple[Earlier, ...], viewer: Viewer) -> Json:
        """All that is known. Who did what, and their words, are for people with a token."""
        newest = told[-1]
        shown = Told(
            event=event,
            sequence=newest.sequence,
            sent=newest.sent,
            reason=next(iter(step.reason for step in event.transitions[newest.sequence : newest.sequence + 1]), ""),
        )
        named = viewer.access is not None
        more: Json = {
            "step": len(event.transitions) - 1,
            "description": description(event, coming=self.coming(event.region)),
            "instruction": instruction(event),
            "split_from": event.split_from,
            "looks": [evidence_json(piece, event) for piece in event.evidence],
            "steps": [
                {
                    "number": number,
                    "at": step.at.isoformat(),
                    "previous": step.previous.value if step.previous else None,
                    "state": step.state.value,
                    "tier": step.tier.value,
                    "reason": step.reason,
                    "detail": step.detail if named or step.by is None else "",
                    "by": step.by if named else None,
                }
                for number, step in enumerate(event.transitions)
            ],
            "actions": [
                {
                    "at": one.at.isoformat(),
                    "by": one.by,
                    "kind": one.kind.value,
                    "reason": one.reason or None,
                    "text": one.text,
                }
                for one in event.actions
                if named
            ],
            "messages": [
                {
                    "revision": one.sequence,
                    "sent": one.sent.isoformat(),
                    "cap": self.addresses.cap(event.id, one.sequence),
                }
                for one in told
            ],
        }
        return feature(shown, self.addresses, named=named) | more

    def coming(self, region: str) -> tuple[NextPass, ...]:
        """The passes over a region that are expected now, earliest first."""
        now = self._parts.clock()
        passed = self._parts.declarations.passes(region, now - MEMORY, now)
        return next_passes(passed, now, self._parts.settings.fleet)

    def chips(self, event: Event) -> list[str]:
        """Which of the chips there are."""
        folder = self._folder(event)
        return [name for name in CHIPS if folder is not None and (folder / name).is_file()]

    def file(self, event: Event, chip: str | None) -> Path:
        """The picture of an alert, or one of its chips.

        Raises:
            Problem: 404, it is not there.
        """
        folder = self._folder(event)
        found = None
        if folder is not None and event.picture:
            found = folder / chip if chip else self._root / event.picture
        if found is None or (chip and chip not in CHIPS) or not found.is_file():
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "there is no such picture",
                item=f"{event.id}/{chip or 'picture.png'}",
                remedy="It is drawn when the alert's next look is judged; the item lists what there is.",
                reason="no-picture",
            )
        return found

    def _folder(self, event: Event) -> Path | None:
        """Where the picture lies; None where there is none, or outside the product folder."""
        if not event.picture:
            return None
        folder = (self._root / event.picture).resolve().parent
        return folder if folder.is_relative_to(self._root) else None
