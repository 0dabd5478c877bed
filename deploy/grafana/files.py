"""The dashboards as the files that Grafana reads."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.change import change
from deploy.grafana.operations import operations
from deploy.grafana.region import region

FOLDER = Path(__file__).parent / "dashboards"


def documents() -> dict[str, str]:
    """JSON by file name."""
    made = {"operations": operations(), "change": change(), "region": region()}
    encoder = JSONEncoder(indent=1, sort_keys=True, ensure_ascii=False)
    return {f"{name}.json": f"{encoder.encode(one)}\n" for name, one in made.items()}
