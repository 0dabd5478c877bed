"""Seeds of simulated valleys on the command line."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from "8001-8010" or "1,5,9-11".

    Raises:
        ValueError: it is neither.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(seeds))
