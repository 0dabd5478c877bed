"""schemathesis reads the description of the API and asks whatever it allows, and much that it does not."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from monitor.records import Role
from tests.web.conftest import Site

_EXAMPLES = 8
"""Of each operation."""


def test_nothing_that_is_asked_is_a_defect(site: Site) -> None:
    """Valid and invalid requests of every path: no answer is 5xx, and every error is a problem."""
    with site.client(Role.ADMIN, "schemathesis") as client:
        described = schemathesis.openapi.from_dict(client.get("/api/v1/openapi.json").json())
        operations = [one.ok() for one in described.get_all_operations() if isinstance(one, Ok)]

        def check(case: "schemathesis.Case[Any]") -> None:
            answer = case.call(base_url=site.base, headers=dict(client.headers))
            assert answer.status_code < 500, case.as_curl_command()
            if answer.status_code >= 400:
                assert "application/problem+json" in answer.headers["content-type"], case.as_curl_command()
                assert answer.json()["remedy"]

        asking = settings(
            max_examples=_EXAMPLES,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        for operation in operations:
            modes = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
            asking(given(st.one_of(modes))(check))()
    assert len(operations) == 16
