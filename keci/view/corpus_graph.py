"""The strongest triples of a corpus as a drawing: concepts are points, relations are lines."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keci.documents import Extraction
from keci.graph.nodes import Node, node_of
from keci.view.page_data import Colours, gather, undirected_types

if TYPE_CHECKING:
    import networkx as nx

MOST_EDGES = 60
WIDTH = 1000.0
_SPACING = 72.0
_COLUMNS = 100
_CHARACTER = 6.2
_LABEL_LENGTH = 28
_LABEL_HEIGHT = 30.0
_ROUNDS = 300
_TIP = 8.0

Point = tuple[float, float]


@dataclass
class _Edge:
    """How often and how surely two nodes are related."""

    mentions: int = 0
    documents: set[str] = field(default_factory=set)
    missing: float = 1.0

    @property
    def score(self) -> float:
        return 1.0 - self.missing

    def add(self, document_id: str, score: float | None) -> None:
        self.mentions += 1
        self.documents.add(document_id)
        self.missing *= 1.0 - (1.0 if score is None else score)


@dataclass(frozen=True, slots=True)
class _Box:
    """A group of joined nodes, placed around its own origin."""

    points: dict[str, Point]
    left: float
    top: float
    width: float
    height: float


def draw_corpus(
    extractions: Sequence[Extraction], *, colours: Colours | None = None, most: int = MOST_EDGES
) -> dict[str, Any]:
    """The drawing of the ``most`` triples that most documents hold, ready for the template.

    ``colours`` None takes those of a page of these extractions. Negated and speculated relations
    are no part of it; one without direction is one triple, whichever way it is told. Equal
    extractions give equal drawings.
    """
    nodes, edges = _triples(extractions)
    strongest = sorted(
        edges.items(), key=lambda item: (-len(item[1].documents), -item[1].score, item[0])
    )[:most]
    drawing = _drawing(nodes, dict(strongest), colours=colours or gather(extractions).colours)
    return drawing | {"num_triples": len(edges)}


def _triples(
    extractions: Sequence[Extraction],
) -> tuple[dict[str, Node], dict[tuple[str, str, str], _Edge]]:
    """All nodes as they are first seen, and the edges by head, relation and tail."""
    undirected = undirected_types(link.type for item in extractions for link in item.relations)
    seen: dict[str, Node] = {}
    edges: dict[tuple[str, str, str], _Edge] = defaultdict(_Edge)
    for extraction in extractions:
        nodes = {mention.id: node_of(mention) for mention in extraction.mentions}
        for relation in extraction.relations:
            if relation.assertion != "present":
                continue
            head, tail = nodes[relation.head], nodes[relation.tail]
            seen = {head.id: head, tail.id: tail} | seen
            if relation.type in undirected and tail.id < head.id:
                head, tail = tail, head
            edges[head.id, relation.type, tail.id].add(extraction.id, relation.score)
    return seen, edges


def _drawing(
    known: Mapping[str, Node], edges: dict[tuple[str, str, str], _Edge], *, colours: Colours
) -> dict[str, Any]:
    labels = {end: _shortened(known[end].name) for head, _, tail in edges for end in (head, tail)}
    points, height = _packed(_groups(edges, labels))
    documents = dict.fromkeys(points, 0)
    for (head, _, tail), edge in edges.items():
        for end in {head, tail}:
            documents[end] += len(edge.documents)
    radii = {node: 4.0 + min(10.0, 1.6 * math.sqrt(documents[node])) for node in points}
    raised = _raised(edges, points)
    types = sorted({relation for _, relation, _ in edges})
    undirected = undirected_types(types)
    nodes = [
        {"id": node, "name": known[node].name, "type": known[node].type,
         "colour": colours.entities[known[node].type], "label": labels[node],
         "documents": documents[node], "x": x, "y": y, "radius": radii[node],
         "label_y": y + (-radii[node] - 5 if node in raised else radii[node] + 12)}
        for node, (x, y) in points.items()
    ]  # fmt: skip
    lines = [
        {"text": f"{known[key[0]].name} – {key[1]} – {known[key[2]].name}",
         "colour": colours.relations[key[1]],
         **_drawn_edge(key, edge, points, radii, tip=0.0 if key[1] in undirected else _TIP)}
        for key, edge in edges.items()
    ]  # fmt: skip
    legend = [{"name": name, "colour": colours.relations[name]} for name in types]
    return {"width": WIDTH, "height": height, "types": legend, "nodes": nodes, "edges": lines}


def _groups(edges: Iterable[tuple[str, str, str]], labels: dict[str, str]) -> list[_Box]:
    """The nodes that are joined by lines, each group placed by itself, large ones first."""
    import networkx as nx

    graph = nx.Graph()
    for head, _, tail in sorted(edges):
        graph.add_nodes_from((head, tail))
        if head != tail:
            graph.add_edge(head, tail)
    groups = sorted(nx.connected_components(graph), key=lambda group: (-len(group), min(group)))
    return [_placed(graph.subgraph(sorted(group)), labels) for group in groups]


def _drawn_edge(
    key: tuple[str, str, str],
    edge: _Edge,
    points: dict[str, Point],
    radii: dict[str, float],
    *,
    tip: float,
) -> dict[str, Any]:
    """A slightly bent line from rim to rim, and the angle in degrees of its tip.

    ``tip`` is the tip's length, 0 for a line without direction, which has none.
    """
    head, _, tail = key
    (x1, y1), (x2, y2) = points[head], points[tail]
    length = math.hypot(x2 - x1, y2 - y1)
    facts = {
        "width": min(6.0, 0.8 + 0.9 * math.sqrt(len(edge.documents))),
        "documents": len(edge.documents),
        "mentions": edge.mentions,
        "score": edge.score,
    }
    if not length:
        radius = radii[head]
        loop = f"M{x1 - 3:.1f},{y1 - radius:.1f}c-16,-26 22,-26 6,0"
        return facts | {"path": loop, "tip": None}
    across, along = ((y2 - y1) / length, -(x2 - x1) / length), 0.12 * length
    middle = ((x1 + x2) / 2 + across[0] * along, (y1 + y2) / 2 + across[1] * along)
    start = _towards((x1, y1), middle, radii[head])
    end = _towards((x2, y2), middle, radii[tail] + 1)
    line_end = _towards((x2, y2), middle, radii[tail] + max(tip - 1, 0.0))
    angle = math.degrees(math.atan2(end[1] - middle[1], end[0] - middle[0]))
    path = "M{:.1f},{:.1f}Q{:.1f},{:.1f} {:.1f},{:.1f}".format(*start, *middle, *line_end)
    drawn_tip = {"x": end[0], "y": end[1], "angle": angle} if tip else None
    return facts | {"path": path, "tip": drawn_tip}


def _raised(edges: Iterable[tuple[str, str, str]], points: dict[str, Point]) -> set[str]:
    """The nodes whose lines go down, so that their labels stand above them."""
    downwards: dict[str, float] = defaultdict(float)
    for head, _, tail in edges:
        downwards[head] += points[tail][1] - points[head][1]
        downwards[tail] += points[head][1] - points[tail][1]
    return {node for node, slope in downwards.items() if slope > 0}


def _towards(origin: Point, target: Point, distance: float) -> Point:
    length = math.hypot(target[0] - origin[0], target[1] - origin[1]) or 1.0
    share = distance / length
    return (
        origin[0] + (target[0] - origin[0]) * share,
        origin[1] + (target[1] - origin[1]) * share,
    )


def _placed(graph: "nx.Graph[str]", labels: dict[str, str]) -> _Box:
    """Springs pull the nodes of a group into shape, then labels push one another apart."""
    import networkx as nx

    size = len(graph)
    scale = _SPACING * max(0.6, math.sqrt(size) - 0.4)
    found = nx.spring_layout(graph, seed=1, scale=scale, iterations=200, k=2.2 / math.sqrt(size))
    points = {node: (float(point[0]) * 1.25, float(point[1])) for node, point in found.items()}
    widths = {node: max(24.0, len(labels[node]) * _CHARACTER + 10) for node in graph}
    _push_apart(points, widths)
    left = min(x - widths[node] / 2 for node, (x, _) in points.items())
    right = max(x + widths[node] / 2 for node, (x, _) in points.items())
    top = min(y for _, y in points.values()) - 30
    bottom = max(y for _, y in points.values()) + 32
    return _Box(points, left, top, right - left, bottom - top)


def _push_apart(points: dict[str, Point], widths: dict[str, float]) -> None:
    """Move nodes whose labels overlap, a little each round, along the shorter way out."""
    nodes = list(points)
    for _ in range(_ROUNDS):
        moved = False
        for index, one in enumerate(nodes):
            for other in nodes[index + 1 :]:
                (x1, y1), (x2, y2) = points[one], points[other]
                wide = (widths[one] + widths[other]) / 2 - abs(x1 - x2)
                high = _LABEL_HEIGHT - abs(y1 - y2)
                if wide <= 0 or high <= 0:
                    continue
                moved = True
                if high < wide:
                    shift = (high / 2 + 0.5) * (1 if y1 >= y2 else -1)
                    points[one], points[other] = (x1, y1 + shift), (x2, y2 - shift)
                else:
                    shift = (wide / 2 + 0.5) * (1 if x1 >= x2 else -1)
                    points[one], points[other] = (x1 + shift, y1), (x2 - shift, y2)
        if not moved:
            return


def _packed(boxes: Sequence[_Box]) -> tuple[dict[str, Point], float]:
    """Each box as high up as it fits, leftmost among equal heights; and the drawing's height."""
    points: dict[str, Point] = {}
    filled = [0.0] * _COLUMNS
    for box in boxes:
        shrink = min(1.0, WIDTH / box.width)
        columns = min(_COLUMNS, math.ceil(box.width * shrink * _COLUMNS / WIDTH))
        tops = [max(filled[at : at + columns]) for at in range(_COLUMNS - columns + 1)]
        column = tops.index(min(tops))
        x, y = column * WIDTH / _COLUMNS, tops[column]
        for node, (left, top) in box.points.items():
            points[node] = ((left - box.left) * shrink + x, top - box.top + y)
        filled[column : column + columns] = [y + box.height] * columns
    return points, max(filled)


def _shortened(name: str) -> str:
    return name if len(name) <= _LABEL_LENGTH else f"{name[: _LABEL_LENGTH - 1]}…"
