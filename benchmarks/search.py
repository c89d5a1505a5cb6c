"""Search at 10k, 100k and 1M records and 100k pages, with SQLite FTS5 on bigrams as the peer.

`ratio` is a median over the median of the peer for the same questions of the same run.
Beside tantivy, a real OpenSearch on the loopback (one node, heap 512 MB) where it can be started.
`python -m benchmarks.search small|full` prints JSON lines.  The corpus is made of templates with
frequent and rare words; no real person or body is meant.
"""

import gc
import json
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.services import opensearch

from liandong.engines.search.opensearch import OpenSearchIndex
from liandong.engines.search.tantivy import TantivySearch
from liandong.kernel.access import EVERYONE, AllOf, AnyOf, AtMost, Eq, Rule
from liandong.kernel.ports import SearchDocument, SearchEngine, SearchQuery
from liandong.kernel.query import parse
from liandong.kernel.text import bigrams, fold, phrase_tokens

from . import machine

SIZES = {
    "small": (("records", 2_000), ("records", 10_000)),
    "full": (("records", 10_000), ("records", 100_000), ("pages", 100_000), ("records", 1_000_000)),
}
VISIBLE: Rule = AnyOf(
    (
        AllOf((AtMost("level", 0), AtMost("open_from", 20260101))),
        AllOf((Eq("unit", "U07"), AtMost("level", 1))),
    )
)
ON_SERVER = {"small": 2_000, "full": 1_000_000}  # documents that OpenSearch is measured with
BEFORE = 1_000  # documents in the index that is made anew
PAUSE_S = 0.2  # between questions while it is
QUESTIONS = 200  # of each kind
PEER_QUESTIONS = 30

_BODIES = (
    "市人民政府办公室", "市财政局", "市教育局", "市卫生健康委员会", "市民政局",
    "市自然资源和规划局", "市交通运输局", "市水利局", "市农业农村局", "市文化广电旅游局",
    "市市场监督管理局", "市应急管理局", "市生态环境局", "市人力资源和社会保障局",
    "市住房和城乡建设局", "市公安局", "市档案局", "市统计局", "市审计局", "区人民政府",
)  # fmt: skip
_ACTS = (
    "关于印发", "关于转发", "关于同意", "关于加强", "关于做好", "关于开展", "关于调整",
    "关于批准", "关于表彰", "关于报送",
)  # fmt: skip
_TOPICS = (
    "城市管理", "安全生产", "防汛抗旱", "土地征收", "环境保护", "义务教育", "社会保障",
    "农村公路", "水库移民", "旧城改造", "档案管理", "财政预算", "公共卫生", "食品药品监督",
    "森林防火", "招商引资", "人事任免", "基层治理", "老旧小区", "供水管网", "污水处理",
    "道路照明", "河道整治", "扶贫开发", "职业培训", "医疗保险", "住房公积金", "危房改造",
    "学校布局", "文物保护",
)  # fmt: skip
_KINDS = (
    "通知", "意见", "请示", "批复", "报告", "决定", "会议纪要", "实施方案", "管理办法", "函",
    "工作总结", "调查报告",
)  # fmt: skip
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国文辉"
_PLACES = "东西南北新老大小上下长安平永和兴泰清石白青龙凤金"
_PLACE_ENDS = (
    "镇", "村", "街道", "路", "桥", "社区", "水库", "小学",
)  # fmt: skip
_SENTENCES = (
    "经研究，现就有关事项通知如下。", "各单位要高度重视，认真贯彻执行。",
    "请结合实际，抓好落实。", "特此批复。", "会议听取了有关情况的汇报，并进行了讨论。",
    "所需经费从年度预算中列支。", "要建立健全工作机制，明确责任分工。",
    "对存在的问题，限期整改到位。", "附件一并印发，请遵照执行。",
    "项目总投资由市级财政统筹安排。",
)  # fmt: skip


def _name(dice: random.Random) -> str:
    return dice.choice(_SURNAMES) + "".join(dice.choices(_GIVEN, k=2))


def _place(dice: random.Random) -> str:
    return "".join(dice.choices(_PLACES, k=2)) + dice.choice(_PLACE_ENDS)


def documents(count: int, kind: str, law: str = "") -> Iterator[SearchDocument]:
    """`count` documents: titles of about 40 characters, pages with about 600 more."""
    dice = random.Random(count)  # noqa: S311 - a corpus
    for number in range(1, count + 1):
        year = 1950 + int(76 * dice.random() ** 0.5)
        body = dice.choice(_BODIES)
        title = (
            f"{body}{dice.choice(_ACTS)}{_place(dice)}{dice.choice(_TOPICS)}"
            f"{dice.choice(_TOPICS) if dice.random() < 0.5 else ''}工作的{dice.choice(_KINDS)}"
        )
        text = f"{_name(dice)} {dice.choice(_SENTENCES)}"
        if kind == "pages":
            text = _page(dice, law)
        yield SearchDocument(
            record_id=number,
            code=f"Z{dice.randrange(200):03d}-WS·{year}-Y-BGS-{number % 10000:04d}",
            document_number=f"{body[1]}政发〔{year}〕{number % 500 + 1}号",
            title=title,
            body=text,
            facets={
                "year": str(year), "fonds": f"Z{dice.randrange(200):03d}",
                "category": dice.choice(("WS", "KJ", "RS", "ZP")),
                "retention": dice.choice(("Y", "D30", "D10")), "author": body,
            },
            date=year * 10000 + dice.randrange(1, 13) * 100 + dice.randrange(1, 29),
            facts={
                "level": dice.choices((0, 1, 2), (7, 2, 1))[0],
                "open_from": (year + 25) * 10000 + 101,
                "unit": f"U{dice.randrange(30):02d}",
                "personal": 0,
                "shares": frozenset(),
            },
        )  # fmt: skip


def _page(dice: random.Random, law: str) -> str:
    lines = [f"{_name(dice)} {_place(dice)} {dice.randrange(10**6)}"]
    length = 0
    while length < 560:
        if law and dice.random() < 0.5:
            start = dice.randrange(len(law))
            line = law[start : start + 80]
        else:
            line = f"{dice.choice(_TOPICS)}{dice.choice(_SENTENCES)}{_name(dice)}"
        lines.append(line)
        length += len(line)
    return "\n".join(lines)


def law_text() -> str:
    """Text of statutes beside the checkout; "" when there is none."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "laws_zh"
    files = sorted(folder.rglob("*.md"))[:200]
    return "\n".join(file.read_text("utf-8") for file in files)


def questions(count: int) -> dict[str, list[str]]:
    """What people type, by kind; frequent and rare words alike."""
    dice = random.Random(count + 1)  # noqa: S311 - questions

    def word() -> str:
        kinds = (_TOPICS, _KINDS, [_place(dice)], [_name(dice)], ["管理", "工作", "政府", "通知"])
        return dice.choice(dice.choice(kinds))

    def phrase() -> str:
        return dice.choice(
            (
                f"{dice.choice(_ACTS)}{_place(dice)}", "高度重视", "加强城市管理工作的通知",
                f"{dice.choice(_TOPICS)}工作的{dice.choice(_KINDS)}", "有关事项通知", "工作的",
            )
        )  # fmt: skip

    def code() -> str:
        if dice.random() < 0.5:
            return f"财政发[{dice.randrange(1960, 2020)}]第{dice.randrange(1, 500)}号"
        year = dice.randrange(1960, 2020)
        return f"z{dice.randrange(200):03d}-ws{year}-y-bgs-{dice.randrange(10000):04d}"

    def four() -> str:
        return " ".join([dice.choice(_BODIES)[1:], dice.choice(_TOPICS), "工作", word()])

    makers: dict[str, Callable[[], str]] = {
        "one word": word, "four words": four, "phrase": lambda: f'"{phrase()}"', "code": code,
        "frequent word": lambda: dice.choice(("工作", "管理", "关于", "政府", "通知")),
        "everything": lambda: "",
    }  # fmt: skip
    return {kind: [make() for _ in range(QUESTIONS)] for kind, make in makers.items()}


def _figures(times_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times_ms)
    return {
        "p50_ms": round(statistics.median(ordered), 2),
        "p99_ms": round(ordered[max(0, -(-99 * len(ordered) // 100) - 1)], 2),
        "max_ms": round(ordered[-1], 2),
    }


def _timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _size_mb(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) // 2**20


def measure(
    engine: SearchEngine, count: int, cpu_s: Callable[[], float]
) -> Iterator[dict[str, Any]]:
    """Times of every kind of question: top 10, exact count, one facet, with the access rule.

    `cpu_ms` is the mean over client and server, which a busy machine does not change much.
    """
    for kind, texts in questions(count).items():
        for name, facet, extra in (("", "year", {}), (" + filter", "fonds", {"retention": ("Y",)})):
            parsed = [parse(text) for text in texts]
            asked = [
                SearchQuery(q.words, q.phrases, q.without, q.codes, {**q.filters, **extra})
                for q in parsed
            ]
            found: list[int] = []

            def ask(query: SearchQuery, facet: str = facet, found: list[int] = found) -> None:
                found.append(
                    engine.find(
                        query, visible=VISIBLE, whole=VISIBLE, limit=10, facets=(facet,)
                    ).count
                )

            for query in asked[:10]:
                ask(query)
            found.clear()
            begun = cpu_s()
            times = [_timed(lambda query=query: ask(query)) for query in asked]  # type: ignore[misc]
            cpu_ms = round((cpu_s() - begun) / len(asked) * 1000, 2)
            mean = round(statistics.mean(found))
            yield {"question": kind + name, **_figures(times), "cpu_ms": cpu_ms, "mean_hits": mean}


def peer(count: int, kind: str, law: str, folder: Path) -> Iterator[dict[str, Any]]:
    """SQLite FTS5 over the same bigrams: the same words as phrases, count and one facet."""
    base = sqlite3.connect(folder / "peer.sqlite3")
    base.execute("CREATE VIRTUAL TABLE text USING fts5(grams, tokenize='unicode61')")
    base.execute("CREATE TABLE record(id INTEGER PRIMARY KEY, year TEXT, level INT)")
    begun = time.perf_counter()
    for made in documents(count, kind, law):
        grams = bigrams(fold(f"{made.title}。{made.code}。{made.document_number}。{made.body}"))
        base.execute("INSERT INTO text(rowid, grams) VALUES(?, ?)", (made.record_id, grams))
        row = (made.record_id, made.facets["year"], made.facts["level"])
        base.execute("INSERT INTO record VALUES(?, ?, ?)", row)
    base.commit()
    took = time.perf_counter() - begun
    yield {"index_s": round(took, 1), "index_mb": _size_mb(folder)}
    for name in ("one word", "four words", "phrase"):
        times = []
        for text in questions(count)[name][:PEER_QUESTIONS]:
            query = parse(text)
            parts = [phrase_tokens(fold(part)).tokens for part in (*query.words, *query.phrases)]
            match = " AND ".join('"' + " ".join(part) + '"' for part in parts if part)
            times.append(_timed(lambda match=match: _ask_peer(base, match)))  # type: ignore[misc]
        yield {"question": name, **_figures(times)}
    base.close()


def _ask_peer(base: sqlite3.Connection, match: str) -> None:
    top = "SELECT rowid FROM text WHERE text MATCH ? ORDER BY rank LIMIT 10"
    base.execute(top, (match,)).fetchall()
    facet = (
        "SELECT year, count(*) FROM record WHERE level <= 1 AND id IN"
        " (SELECT rowid FROM text WHERE text MATCH ?) GROUP BY year"
    )
    base.execute(facet, (match,)).fetchall()


def measure_one(
    kind: str, count: int, law: str, *, with_peer: bool, server: str
) -> Iterator[dict[str, Any]]:
    """All figures of one corpus; of OpenSearch where there is a server."""
    head = {"benchmark": "search", "corpus": kind, "records": count}
    with tempfile.TemporaryDirectory() as place:
        peers: dict[str, float] = {}  # median by question
        if with_peer:
            for row in peer(count, kind, law, Path(place)):
                peers |= {row["question"]: row["p50_ms"]} if "question" in row else {}
                yield {**head, "engine": "sqlite-fts5", **row}
        folder = Path(place) / "index"
        embedded = TantivySearch(folder)
        for row in all_of(embedded, lambda: _size_mb(folder), machine.cpu_s, count, kind, law):
            yield {**head, "engine": "tantivy", **row, **_beside(peers, row)}
        yield {**head, "engine": "tantivy", "peak_mb": _peak_mb()}
        gc.collect()
        if server:
            index = OpenSearchIndex(f"{server}/bench{count}{kind}", wait_s=0.0, timeout_s=60.0)
            for row in all_of(
                index, lambda: _size_on(index), lambda: _cpu_with(index), count, kind, law
            ):
                yield {**head, "engine": "opensearch", **row, **_beside(peers, row)}


def _beside(peers: dict[str, float], row: dict[str, Any]) -> dict[str, float]:
    """The median over that of the peer, where it was asked the same."""
    if not (median := peers.get(row.get("question", ""))):
        return {}
    return {"ratio": round(row["p50_ms"] / median, 3)}


def all_of(
    engine: SearchEngine,
    size_mb: Callable[[], int],
    cpu_s: Callable[[], float],
    count: int,
    kind: str,
    law: str,
) -> Iterator[dict[str, Any]]:
    """Filling, asking, writing one at a time, asking again; the engine is closed at the end."""
    engine.rebuild(documents(BEFORE, kind, law))
    begun, worked = time.perf_counter(), cpu_s()
    with _asked_meanwhile(engine) as meanwhile:
        engine.rebuild(documents(count, kind, law))
        took, worked = time.perf_counter() - begun, cpu_s() - worked
    rate = {"index_s": round(took, 1), "records_per_s": round(count / took)}
    yield {
        **rate, "cpu_s": round(worked, 1), "index_mb": size_mb(), "state": engine.state(),
        **meanwhile,
    }  # fmt: skip
    yield from measure(engine, count, cpu_s)
    fresh = list(documents(40, kind, law))
    commits = [_timed(lambda made=made: engine.put([made])) for made in fresh]  # type: ignore[misc]
    yield {"question": "commit of one", **_figures(commits)}
    yield {**next(measure(engine, count, cpu_s)), "question": "one word, after 40 commits"}
    engine.close()


@contextmanager
def _asked_meanwhile(engine: SearchEngine) -> Iterator[dict[str, Any]]:
    """Asks the index again and again while it is made anew; figures when that has ended.

    `meanwhile_failed` counts questions without an answer, and answers with fewer records than the
    one before: neither the old nor the new index.
    """
    told: dict[str, Any] = {}
    ended, times, failed = threading.Event(), [], 0
    everything = parse("")

    def ask() -> None:
        nonlocal failed
        least = BEFORE
        while not ended.wait(PAUSE_S):
            begun = time.perf_counter()
            try:
                found = engine.find(everything, visible=EVERYONE, whole=EVERYONE, limit=10).count
            except Exception:  # noqa: BLE001 - whatever it is, the question was not answered
                found = 0
            times.append((time.perf_counter() - begun) * 1000)
            failed += found < least
            least = max(least, found)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield told
    finally:
        ended.set()
        asking.join()
    told |= {
        "meanwhile_asked": len(times), "meanwhile_failed": failed,
        "meanwhile_p50_ms": round(statistics.median(times), 1) if times else None,
    }  # fmt: skip


def _cpu_with(index: OpenSearchIndex) -> float:
    """CPU seconds of this process and of the server."""
    nodes = index._client.nodes.stats(metric="process")["nodes"].values()
    return machine.cpu_s() + sum(node["process"]["cpu"]["total_in_millis"] for node in nodes) / 1000


def _size_on(index: OpenSearchIndex) -> int:
    told = index._client.indices.stats(index=index._alias, metric="store")
    return int(told["_all"]["primaries"]["store"]["size_in_bytes"]) // 2**20


def run(size: str = "small") -> Iterator[dict[str, Any]]:
    """JSON-ready figures; `size` is small or full.  The peer is left out at a million records."""
    law = law_text()
    with ExitStack() as started:
        missing = opensearch.missing()
        server = "" if missing else started.enter_context(opensearch.running())
        if missing:
            yield {"benchmark": "search", "engine": "opensearch", "not_measured": missing}
        for kind, count in SIZES[size]:
            within = count <= ON_SERVER[size]
            yield from measure_one(
                kind, count, law, with_peer=count <= 100_000, server=server if within else ""
            )


if __name__ == "__main__":
    for line in run(sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(json.dumps(line, ensure_ascii=False), flush=True)
