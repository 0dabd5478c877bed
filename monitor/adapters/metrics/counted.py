"""Counters that others keep: they are asked at every scrape."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class Counted(Collector):
    """A counter of which somebody else keeps the counts, zeros included, so that a rate can stand on the first one."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], counts: Callable[[], Iterable[tuple[tuple[str, ...], int]]]
    ) -> None:
        """`counts` gives the values of `labels`, in their order, with their counts."""
        self._name = name
        self._text = text
        self._labels = list(labels)
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they are now."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, count in sorted(self._counts()):
            family.add_metric(list(values), count)
        yield family

    @classmethod
    def refusals(cls, counts: Callable[[], Mapping[str, int]]) -> "Counted":
        """What the API refused, by reason."""
        text = "Requests that the API refused: without a token, with one that nobody has, or beyond what its bearer may"
        return cls("scarpwatch_api_refused", text, ["reason"], lambda: _alone(counts()))

    @classmethod
    def by_layer(cls, name: str, text: str, counts: Callable[[], Mapping[str, int]]) -> "Counted":
        """Counts by layer."""
        return cls(name, text, ["layer"], lambda: _alone(counts()))


def _alone(counts: Mapping[str, int]) -> list[tuple[tuple[str, ...], int]]:
    return [((name,), count) for name, count in counts.items()]
