"""Discovery, claims, leases, endings: the same on SQLite and on PostgreSQL."""

import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from shapely import box

from monitor.adapters.store import LedgerCount, SqlStore, make_owner, owner_is_dead
from monitor.adapters.store.ledger import LONGEST_LEASE, LONGEST_WAIT
from monitor.ports import Store
from monitor.records import Acquisition, AcquisitionState, Asset, LedgerEntry
from monitor.service import ServiceSettings
from tests.adapters.store.factories import LEASE, NOW, acquisition, observation, rejected, result

ME, OTHER = "here@1:1:1", "there@2:2:2"
REGION = ["atsuma"]


def states(store: SqlStore) -> dict[str, str]:
    """State by acquisition id."""
    return {entry.acquisition.id: entry.state.value for entry in store.ledger()}


def claim(store: SqlStore, owner: str = ME, after: timedelta = timedelta(0)) -> LedgerEntry | None:
    """Claim in the only region, some time after NOW."""
    return store.claim(owner, LEASE, NOW + after, REGION)


def claimed(store: SqlStore, owner: str = ME, after: timedelta = timedelta(0)) -> Acquisition:
    """Claim what must be there."""
    entry = claim(store, owner, after)
    assert entry is not None
    return entry.acquisition


def test_is_the_port(store: SqlStore) -> None:
    """The store offers what the pipeline asks for, with the same types (mypy checks the assignment)."""
    port: Store = store
    assert port.claim(ME, LEASE, NOW, REGION) is None


def test_discovered_once(store: SqlStore) -> None:
    """However often polls see an acquisition, it is one row, and only the first time it is new."""
    assert store.discover("atsuma", [acquisition(1), acquisition(2)], [], NOW) == 2
    assert store.discover("atsuma", [acquisition(2), acquisition(3)], [], NOW + LEASE) == 1
    assert states(store) == dict.fromkeys(["optical-001_v1", "optical-002_v1", "optical-003_v1"], "discovered")


def test_acquisition_survives_the_database(store: SqlStore) -> None:
    """An acquisition comes back as it went in, with odd nodata, long fractions and unknown fields."""
    plain = acquisition(1)
    item = replace(
        plain.items[0],
        geometry=box(141 + 1 / 3, 42.1, 142.7, 43 + 1e-13),
        cloud_percent=None,
        processing_time=None,
        relative_orbit=None,
        simulated=True,
        assets={"vv": Asset(href="ü.tif"), "vh": Asset(href="b", nodata=float("-inf"), scale=1e-17)},
    )
    whole = replace(plain, items=(item, plain.items[0]), relative_orbit=None)
    store.discover("atsuma", [whole], [], NOW)
    assert claimed(store) == whole


def test_nan_nodata_survives(store: SqlStore) -> None:
    """A nodata value of NaN, which JSON cannot say, comes back as NaN."""
    item = replace(acquisition(1).items[0], assets={"vv": Asset(href="b", nodata=float("nan"))})
    store.discover("atsuma", [replace(acquisition(1), items=(item,))], [], NOW)
    nodata = claimed(store).items[0].assets["vv"].nodata
    assert nodata is not None
    assert nodata != nodata


def test_rejections_are_counted(store: SqlStore) -> None:
    """The same decision on the same item is one row with a count per poll and the newest words."""
    store.discover("atsuma", [], [rejected(), rejected(), rejected(reason="no-datetime")], NOW)
    store.discover("atsuma", [], [rejected(detail="still \x00none")], NOW + LEASE)
    newest, other = store.rejections("atsuma")
    assert (newest.count, newest.detail, newest.first_seen, newest.last_seen) == (2, "still none", NOW, NOW + LEASE)
    assert (other.reason, other.count) == ("no-datetime", 1)
    assert store.rejections("elsewhere") == []


def test_claims_follow_time(store: SqlStore) -> None:
    """Acquisitions are taken in order of sensing, whatever the order of discovery, one at a time per region."""
    store.discover("atsuma", [acquisition(3), acquisition(1)], [], NOW)
    store.discover("atsuma", [acquisition(2)], [], NOW)
    taken = []
    while (entry := claim(store)) is not None:
        assert claim(store, OTHER) is None
        taken.append(entry.acquisition.key)
        assert store.complete(entry.acquisition, ME, result(), NOW)
    assert taken == ["optical-001", "optical-002", "optical-003"]


def test_regions_are_independent(store: SqlStore) -> None:
    """A region that is being worked on does not hold up another, and unknown regions are not touched."""
    store.discover("atsuma", [acquisition(1), acquisition(2)], [], NOW)
    store.discover("abira", [acquisition(3, region="abira")], [], NOW)
    assert claimed(store).region == "atsuma"
    entry = store.claim(OTHER, LEASE, NOW, ["atsuma", "abira"])
    assert entry is not None
    assert entry.acquisition.region == "abira"
    assert store.claim(OTHER, LEASE, NOW, ["atsuma", "abira"]) is None
    assert store.claim(OTHER, LEASE, NOW, []) is None


def test_what_follows_is_what_is_claimed_next(store: SqlStore) -> None:
    """As if what one holds were done; regions of others stay theirs, and looking claims nothing."""
    both = ["atsuma", "noto"]
    store.discover("atsuma", [acquisition(day) for day in (1, 3, 4)], [], NOW)
    store.discover("noto", [acquisition(day, region="noto") for day in (2, 5)], [], NOW)

    def follows(owner: str, after: timedelta = timedelta(0)) -> tuple[str, str, int] | None:
        entry = store.following(owner, NOW + after, both)
        return None if entry is None else (entry.acquisition.region, entry.acquisition.id, entry.attempts)

    assert follows(ME) == ("atsuma", "optical-001_v1", 0)
    held = claimed(store)
    assert follows(ME) == ("noto", "optical-002_v1", 0)
    assert store.claim(OTHER, LEASE, NOW, both) is not None
    assert follows(ME) == ("atsuma", "optical-003_v1", 0), "noto is somebody else's now"
    assert follows(OTHER) == ("noto", "optical-005_v1", 0)
    assert store.complete(held, ME, result(), NOW)
    assert follows(ME) == ("atsuma", "optical-003_v1", 0)
    assert claimed(store).id == "optical-003_v1"
    assert follows(ME, after=2 * LEASE) == ("noto", "optical-002_v1", 1), "a lease that ended holds nothing"


def test_claim_tells_the_lease(store: SqlStore) -> None:
    """A claimed row says who holds it, until when, and which try this is."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    entry = claim(store)
    assert entry is not None
    assert (entry.state, entry.attempts, entry.owner) == (AcquisitionState.CLAIMED, 1, ME)
    assert (entry.lease_until, entry.updated) == (NOW + LEASE, NOW)
    assert store.ledger("atsuma") == [entry]


def test_retry_waits_and_does_not_block(store: SqlStore) -> None:
    """An acquisition that waits for its next try lets later ones pass, and is taken again when due."""
    store.discover("atsuma", [acquisition(1), acquisition(2)], [], NOW)
    first = claimed(store)
    assert store.retry(first, ME, "asset-unavailable", "503", NOW + timedelta(hours=1), NOW)
    second = claimed(store)
    assert second.key == "optical-002"
    assert store.complete(second, ME, result(), NOW)
    assert claim(store, after=timedelta(minutes=59)) is None
    again = claim(store, after=timedelta(hours=1))
    assert again is not None
    assert (again.acquisition, again.attempts, again.reason) == (first, 2, "asset-unavailable")


def test_wait_from_before_the_clock_was_set_back(store: SqlStore) -> None:
    """A time to wait for that lies further ahead than any wait lasts holds nothing up."""
    assert ServiceSettings().longest_wait <= LONGEST_WAIT
    store.discover("atsuma", [acquisition(1)], [], NOW)
    claim(store)
    until = NOW + LONGEST_WAIT
    assert store.retry(acquisition(1), ME, "asset-unavailable", "503", until, NOW)
    assert claim(store, after=-timedelta(minutes=5)) is None, "clocks differ a little"
    assert claim(store, after=-timedelta(hours=1)) is not None


def test_lease_of_a_clock_that_was_ahead(store: SqlStore) -> None:
    """What a process took that died with its clock nine hours ahead is free after one lease; others keep theirs."""
    elsewhere = acquisition(1, region="abira")
    store.discover("atsuma", [acquisition(1)], [], NOW)
    store.discover("abira", [elsewhere], [], NOW)
    ahead = claimed(store, OTHER, timedelta(hours=9))
    assert store.claim(OTHER, LONGEST_LEASE, NOW, ["abira"]) is not None, "of a process with longer leases"
    (held,) = store.cap_leases(LEASE, NOW, [*REGION, "abira"])
    assert (held.acquisition, held.owner, held.lease_until) == (ahead, OTHER, NOW + timedelta(hours=9) + LEASE)
    assert store.cap_leases(LEASE, NOW, [*REGION, "abira"]) == []
    assert claim(store) is None, "whoever works on it has time to prolong it"
    assert store.extend(ahead, OTHER, LEASE, NOW + LEASE / 2)
    assert claim(store, after=LEASE) is None
    assert claimed(store, after=LEASE * 1.5) == ahead
    assert store.claim(ME, LEASE, NOW + LEASE, ["abira"]) is None


def test_a_wait_is_no_try(store: SqlStore) -> None:
    """Given back uncounted as often as one likes, an acquisition keeps its tries, and its reason."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    for hour in range(20):
        entry = claim(store, after=timedelta(hours=hour))
        assert entry is not None
        assert (entry.attempts, entry.reason) == (1, "host-resting" if hour else None)
        due = NOW + timedelta(hours=hour + 1)
        assert store.retry(entry.acquisition, ME, "host-resting", "it rests", due, NOW, counted=False)
    assert store.ledger("atsuma")[0].attempts == 0


def test_parked_waits_for_a_person(store: SqlStore) -> None:
    """A parked acquisition is never claimed until somebody releases it."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    parked = claimed(store)
    assert store.park(parked, ME, "bad-asset", "truncated", NOW)
    assert claim(store, after=timedelta(days=99)) is None
    assert store.counts() == [LedgerCount(region="atsuma", state=AcquisitionState.PARKED, reason="bad-asset", count=1)]
    assert not store.release("atsuma", "another", NOW)
    assert store.release("atsuma", parked.id, NOW)
    assert claimed(store) == parked


def test_expired_lease_is_taken_over(store: SqlStore) -> None:
    """When a lease ends, another owner takes the acquisition, and the first one can do nothing with it any more."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    mine = claimed(store)
    assert claim(store, OTHER, LEASE - timedelta(seconds=1)) is None
    assert claimed(store, OTHER, LEASE) == mine
    assert not store.extend(mine, ME, LEASE, NOW)
    assert not store.retry(mine, ME, "x", "y", NOW, NOW)
    assert not store.park(mine, ME, "x", "y", NOW)
    assert not store.complete(mine, ME, result(observations=(observation(mine),)), NOW)
    assert states(store) == {"optical-001_v1": "claimed"}
    assert store.history(observation(mine).tile) == []
    assert store.complete(mine, OTHER, result(), NOW)
    assert not store.complete(mine, OTHER, result(), NOW)


def test_extended_lease_holds(store: SqlStore) -> None:
    """Who prolongs the lease keeps the acquisition."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    mine = claimed(store)
    assert store.extend(mine, ME, LEASE, NOW + LEASE)
    assert claim(store, OTHER, LEASE) is None
    assert claim(store, OTHER, 2 * LEASE) is not None


def test_dead_owner_is_taken_over_at_once(store: SqlStore) -> None:
    """The acquisition of a killed process of this machine is free without waiting for its lease."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    script = "from monitor.adapters.store import make_owner; print(make_owner(), flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        claimed(store, owner)
        assert not owner_is_dead(owner)
        assert claim(store, OTHER) is None
        process.kill()
        _wait_for_zombie(process)
        assert owner_is_dead(owner), "a zombie is dead although its number is still taken"
        process.wait()
    assert claimed(store, OTHER) == acquisition(1)


_ROOT = Path(__file__).parents[3]


def _wait_for_zombie(process: "subprocess.Popen[str]") -> None:
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_owner_strings() -> None:
    """This process lives; its number with another start time does not; of other machines nothing is known."""
    host, pid, started = make_owner().split(":")
    assert not owner_is_dead(make_owner())
    assert owner_is_dead(f"{host}:{pid}:{int(started) + 1}")
    assert not owner_is_dead(f"elsewhere:{pid}:{int(started) + 1}")
    assert not any(map(owner_is_dead, [None, "", "x", f"{host}:", f"{host}:{pid}", f"{host}:x:1"]))


def test_newer_version_supersedes(store: SqlStore) -> None:
    """A new version takes the place of one that is waiting, parked, claimed or done; old versions do not come back."""
    store.discover("atsuma", [acquisition(n) for n in range(4)], [], NOW)
    done = claimed(store)
    store.complete(done, ME, result(), NOW)
    store.park(claimed(store), ME, "bad-asset", "x", NOW)
    lost = claimed(store)
    assert store.discover("atsuma", [acquisition(n, "v2") for n in range(4)], [], NOW) == 4
    assert Counter(states(store).values()) == {"superseded": 4, "discovered": 4}
    assert not store.complete(lost, ME, result(observations=(observation(lost),)), NOW)
    assert store.history(observation(lost).tile) == []
    assert store.discover("atsuma", [acquisition(n, "v1") for n in range(4)], [], NOW) == 0
    assert claimed(store) == acquisition(0, "v2")


def test_version_of_another_region_stays(store: SqlStore) -> None:
    """Superseding ends at the region: another region may see other items of the same pass."""
    store.discover("abira", [acquisition(1, region="abira")], [], NOW)
    store.discover("atsuma", [acquisition(1, "v2")], [], NOW)
    assert set(states(store).values()) == {"discovered"}


def test_waiting_counts_what_is_left(store: SqlStore) -> None:
    """Waiting are those discovered, in backoff or claimed, in the regions asked for, and no others."""
    store.discover("atsuma", [acquisition(n) for n in range(5)], [], NOW)
    store.discover("abira", [acquisition(1, region="abira")], [], NOW)
    store.complete(claimed(store), ME, result(), NOW)
    store.park(claimed(store), ME, "bad-asset", "x", NOW)
    store.discover("atsuma", [acquisition(2, "v2")], [], NOW)
    store.retry(claimed(store), ME, "asset-unavailable", "x", NOW + LEASE, NOW)
    claimed(store)
    assert store.waiting(REGION) == 3
    assert store.waiting(["abira", "atsuma"]) == 4
    assert store.waiting([]) == 0


def test_threads_claim_each_row_once(store: SqlStore) -> None:
    """Four threads that claim at the same time get every acquisition exactly once, in order within each region."""
    regions = [f"r{n}" for n in range(5)]
    for region in regions:
        store.discover(region, [acquisition(n, region=region) for n in range(3)], [], NOW)
    taken: list[Acquisition] = []

    def work(name: str) -> None:
        while (entry := store.claim(name, LEASE, NOW, regions)) is not None:
            taken.append(entry.acquisition)
            assert store.complete(entry.acquisition, name, result(), NOW)

    threads = [threading.Thread(target=work, args=(f"x@{n}:1:1",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(one.region for one in taken) == dict.fromkeys(regions, 3)
    for region in regions:
        assert [one.key for one in taken if one.region == region] == ["optical-000", "optical-001", "optical-002"]


_WORKER = """
import sys
from tests.adapters.store.factories import LEASE, NOW, result
from monitor.adapters.store import SqlStore, make_owner
store = SqlStore(sys.argv[1])
store.upgrade()
print("ready", flush=True); sys.stdin.readline()
while (entry := store.claim(make_owner(), LEASE, NOW, sys.argv[2:])) is not None:
    assert store.complete(entry.acquisition, make_owner(), result(), NOW)
    print(entry.acquisition.region, entry.acquisition.key, flush=True)
"""


def test_processes_claim_each_row_once(url: str) -> None:
    """Two processes that upgrade one new database and claim from it at once get every acquisition exactly once."""
    regions = [f"r{n}" for n in range(12)]
    command = [sys.executable, "-c", _WORKER, url, *regions]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    store = SqlStore(url)
    for region in regions:
        store.discover(region, [acquisition(n, region=region) for n in range(3)], [], NOW)
    lines = [line for worker in _all_go(workers) for line in worker.splitlines()]
    assert Counter(lines) == {f"{region} optical-{n:03d}": 1 for region in regions for n in range(3)}
    assert {(one.state, one.reason) for one in store.counts()} == {(AcquisitionState.DONE, "compared")}
    store.close()


def _all_go(workers: "list[subprocess.Popen[str]]") -> list[str]:
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outputs = [worker.communicate(timeout=30)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    return outputs


@pytest.mark.parametrize("limit", [1, 2])
def test_ledger_for_people(store: SqlStore, limit: int) -> None:
    """People see the newest acquisitions first, of all regions or one."""
    store.discover("atsuma", [acquisition(1), acquisition(3)], [], NOW)
    store.discover("abira", [acquisition(2, region="abira")], [], NOW)
    assert [one.acquisition.key for one in store.ledger()] == ["optical-003", "optical-002", "optical-001"]
    assert len(store.ledger("atsuma", limit=limit)) == limit
