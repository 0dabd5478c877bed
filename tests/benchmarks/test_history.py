"""The benchmark of the history, in small."""

from contextlib import closing

from benchmarks import history
from monitor.adapters.store import SqlStore
from monitor.core.grid import tile_from_id
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


def test_one_question_for_all_tiles_is_answered_as_one_for_each(postgres_url: str) -> None:
    """By rows as life writes them: of one model, without what was clouded, the newest first."""
    tiles, passes = 7, 120
    ids, before = history._ids(tiles), history._BEGIN + (passes - 3) * history._EVERY
    with closing(SqlStore(postgres_url)) as store:
        store.upgrade()
        history._fill(store, tiles, 0, passes, passes // 2)
        each = [
            (tile, one.acquisition_key, one.look_href)
            for tile in ids
            for one in store.looks_before(tile_from_id(tile), "scar-2", "optical", before, history.K)
        ]
        tiles_asked = [tile_from_id(tile) for tile in ids]
        found = store.kept_looks(tiles_asked, "scar-2", "optical", before, history.K)
        assert [(tile.id, one.acquisition_key, one.look_href) for tile in tiles_asked for one in found[tile]] == each
        names = [name for name, plan in history._plans(store, tiles, passes) if "Scan" in plan]
        assert names == ["last looks of 1,000 tiles", "last looks of one tile", "one tile's history"]
        assert len(each) == tiles * history.K
        assert {one.model_version for one in store.history(tile_from_id(ids[0]), 500)} == {"scar-1", "scar-2"}
