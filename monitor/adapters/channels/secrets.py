"""Secrets of channels: given in the configuration, or read from a file at every use, so that it can be changed."""

from dataclasses import dataclass, field
from pathlib import Path

from monitor.errors import Undeliverable


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret. Its text is never shown."""

    item: str
    """The channel and setting it belongs to."""
    value: str | None = field(default=None, repr=False)
    file: Path | None = None

    def read(self) -> str:
        """The secret.

        Raises:
            Undeliverable: its file cannot be read, or is empty.
        """
        if self.file is None:
            return self.value or ""
        try:
            text = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as err:
            raise self._unreadable(type(err).__name__) from err
        if not text:
            raise self._unreadable("it is empty")
        return text

    def _unreadable(self, why: str) -> Undeliverable:
        return Undeliverable(
            f"the secret file {self.file} cannot be read ({why})",
            item=self.item,
            remedy="Let the user that runs Scarpwatch read it, then run `scarpwatch deliveries retry`",
            reason="secret-unreadable",
        )
