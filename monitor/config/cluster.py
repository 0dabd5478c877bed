"""The group `dask`: an existing cluster whose workers look at tiles."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from monitor.executors.orders import Cluster, Tls


class TlsSettings(BaseModel):
    """Files of certificates (PEM), as Dask wants them."""

    model_config = ConfigDict(extra="forbid")

    ca_file: Path
    """Of the authority that signed the certificates of scheduler and workers."""
    cert_file: Path
    """Of this process ..."""
    key_file: Path
    """... and its key."""


class DaskSettings(BaseModel):
    """The cluster, and how patient to be with it."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, StringConstraints(pattern=r"^(tcp|tls)://[^\s/@]+:[0-9]+$")]
    """Of the scheduler: tls://host:8786, or tcp:// in a network that nobody else reaches."""
    tls: TlsSettings | None = None
    """Needed for tls://."""
    resources: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """What a block takes of a worker, such as {GPU: 1}."""
    engine: Literal["cpu", "cuda", "openvino"] | None = None
    """What workers must run; None: cuda where `resources` name a GPU, else cpu."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """Of a block that failed unexpectedly; one whose worker was lost is given to another by the scheduler."""
    wait_minutes: Annotated[float, Field(ge=0, le=1440)] = 5.0
    """For a worker with the resources; then the acquisition goes back to the queue."""
    timeout_minutes: Annotated[float, Field(gt=0, le=1440)] = 30.0
    """Without one block begun or done; then the acquisition goes back to the queue."""

    @model_validator(mode="after")
    def _encrypted_or_not(self) -> Self:
        if self.address.startswith("tls://") != (self.tls is not None):
            raise PydanticCustomError("tls_and_address", "address says tls:// exactly where the group tls is given")
        return self

    @property
    def worker_engine(self) -> str:
        """The engine that workers open."""
        return self.engine or ("cuda" if "GPU" in self.resources else "cpu")

    def cluster(self) -> Cluster:
        """The same as a record."""
        tls = Tls(ca=self.tls.ca_file, cert=self.tls.cert_file, key=self.tls.key_file) if self.tls else None
        return Cluster(
            address=self.address,
            tls=tls,
            resources=dict(self.resources),
            retries=self.retries,
            wait=timedelta(minutes=self.wait_minutes),
            timeout=timedelta(minutes=self.timeout_minutes),
        )
