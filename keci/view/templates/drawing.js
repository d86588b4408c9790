/* One document drawn: its lines of text, labelled brackets below each, arcs of relations above. */

const ARC = 17, BRACKET = 22, LANE = 7, HEAD_ROOM = 8, FOOT_ROOM = 5, TIP = 4, SIGN_WIDTH = 8;
const mostLanes = () => (innerWidth > 800 ? 14 : 6);
const SVG = "http://www.w3.org/2000/svg";

const pen = document.createElement("canvas").getContext("2d"), labelWidths = new Map();
/** How wide a label is drawn; what is not right is drawn bold. */
function labelWidth(label, { status }) {
  const font = getFont(), weight = status && status !== "right" ? "600 " : "", key = weight + label;
  if (!labelWidths.has(key)) {
    pen.font = weight + font;
    labelWidths.set(key, pen.measureText(label).width + 4);
  }
  return labelWidths.get(key);
}

let labelFont;
const getFont = () => (labelFont ??= getComputedStyle(document.documentElement).getPropertyValue("--label-font").trim() || "11px sans-serif");

function svg(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function linesAt(text, root) {
  const holder = html("div", { class: "holder" });
  root.append(holder);
  const lines = brokenLines(text, holder);
  holder.remove();
  return lines;
}

/** The lines as elements inside `root`, each with its text node. */
function placeLines(doc, root, margins) {
  const { text } = doc;
  root.textContent = "";
  root.style.paddingLeft = `${margins.left}px`;
  root.style.paddingRight = `${margins.right}px`;
  doc.broken = doc.broken?.margins === margins ? doc.broken : { margins, lines: linesAt(text, root) };
  const lines = doc.broken.lines.map((line) => ({ ...line }));
  for (const line of lines) {
    line.span = html("span", {}, text.slice(line.start, line.end));
    line.element = html("div", { class: "line" }, line.span);
    root.append(line.element);
  }
  return lines;
}

/** The parts of a mention, one for each line that it touches. */
function piecesOf(mention, lines, origin) {
  const pieces = [];
  lines.forEach((line, place) => {
    const from = Math.max(mention.start, line.start), to = Math.min(mention.end, line.end);
    if (from >= to) return;
    const found = edges(line.span.firstChild, from - line.start, to - line.start, origin);
    pieces.push({ mention, line: place, ...found });
  });
  return pieces;
}

function mentionLabel(mention) {
  const type = PAGE.entityTypes[mention.type].name;
  if (mention.status === "mistyped") return `${type} ≠ ${PAGE.entityTypes[mention.goldType].name}`;
  if (mention.status && mention.status !== "right") return `${mention.status}: ${type}`;
  return noted(type, mention.assertion);
}

function relationLabel(relation) {
  const type = PAGE.relationTypes[relation.type].name;
  if (relation.status === "mistyped") return `${type} ≠ ${PAGE.relationTypes[relation.goldType].name}`;
  if (relation.status && relation.status !== "right") return `${relation.status}: ${type}`;
  return noted(type, relation.assertion);
}

const noted = (type, assertion) => (assertion && assertion !== "present" ? `${type} (${assertion})` : type);

/** Levels for the brackets of each line: what is nested lies nearer to the text. */
function stackBrackets(pieces, lines, width) {
  for (const line of lines) line.brackets = [];
  for (const piece of pieces) {
    piece.label = mentionLabel(piece.mention);
    const wide = labelWidth(piece.label, piece.mention);
    piece.labelLeft = Math.max(0, Math.min(piece.left, width - wide));
    piece.from = Math.min(piece.left, piece.labelLeft);
    piece.to = Math.max(piece.right, piece.labelLeft + wide);
    lines[piece.line].brackets.push(piece);
  }
  for (const line of lines) {
    const inside = (outer) =>
      line.brackets
        .filter((o) => o !== outer && o.level !== undefined && o.left >= outer.left - 0.5 && o.right <= outer.right + 0.5)
        .reduce((most, o) => Math.max(most, o.level + 1), 0);
    line.bracketLevels = stack(line.brackets, inside);
  }
}

/** An arc for each relation whose ends are shown: which pieces it joins, and whether it wraps. */
function arcsOf(relations, piecesByMention) {
  const arcs = [];
  for (const relation of relations) {
    const heads = piecesByMention.get(relation.head), tails = piecesByMention.get(relation.tail);
    if (!heads || !tails) continue;
    let best = null;
    for (const head of heads)
      for (const tail of tails) {
        const far = Math.abs(head.line - tail.line) * 1e5 + Math.abs(head.left - tail.left);
        if (!best || far < best.far) best = { far, head, tail };
      }
    arcs.push({ relation, head: best.head, tail: best.tail, wraps: best.head.line !== best.tail.line });
  }
  return arcs;
}

/** Where on its mention each arc begins or ends, so that stems of one mention do not cross. */
function spreadStems(arcs, middle) {
  const ends = new Map();
  const centre = (piece) => (piece.left + piece.right) / 2;
  for (const arc of arcs) {
    arc.side = arc.wraps ? (centre(arc.head) + centre(arc.tail) < 2 * middle ? "left" : "right") : null;
    for (const [own, other, key] of [[arc.head, arc.tail, "headX"], [arc.tail, arc.head, "tailX"]]) {
      const span = centre(other) - centre(own);
      const reach = arc.wraps ? (arc.side === "left" ? -1e4 : 1e4) : span || (key === "headX" ? -1 : 1);
      if (!ends.has(own)) ends.set(own, []);
      ends.get(own).push({ arc, key, reach });
    }
  }
  for (const [piece, list] of ends) {
    const order = (end) => (end.reach < 0 ? -1e6 - end.reach : 1e6 - end.reach);
    list.sort((a, b) => order(a) - order(b));
    const step = Math.min(9, (piece.right - piece.left) / (list.length + 1));
    list.forEach((end, place) => {
      end.arc[end.key] = centre(piece) + (place - (list.length - 1) / 2) * step;
    });
  }
}

/** The level parts of arcs on each line, stacked; a wrapped arc has one on either of two lines. */
function stackArcs(arcs, lines, width) {
  for (const line of lines) line.arcs = [];
  for (const arc of arcs) {
    arc.label = relationLabel(arc.relation);
    const half = labelWidth(arc.label, arc.relation) / 2;
    const edge = arc.side === "left" ? 0 : width;
    const parts = arc.wraps
      ? [{ line: arc.head.line, a: arc.headX, b: edge }, { line: arc.tail.line, a: arc.tailX, b: edge }]
      : [{ line: arc.head.line, a: arc.headX, b: arc.tailX }];
    for (const part of parts) Object.assign(part, { arc, left: Math.min(part.a, part.b), right: Math.max(part.a, part.b) });
    const named = parts.reduce((best, part) => (part.right - part.left > best.right - best.left ? part : best));
    named.labelX = Math.max(half, Math.min((named.left + named.right) / 2, width - half));
    for (const part of parts) {
      part.from = part.labelX === undefined ? part.left : Math.min(part.left, part.labelX - half);
      part.to = part.labelX === undefined ? part.right : Math.max(part.right, part.labelX + half);
      lines[part.line].arcs.push(part);
    }
    arc.parts = parts;
  }
  for (const line of lines) line.arcLevels = stack(line.arcs);
}

/** Lanes in the margins, in which wrapped arcs run from line to line. */
function stackLanes(arcs) {
  const most = { left: 0, right: 0 };
  for (const side of ["left", "right"]) {
    const runs = arcs.filter((arc) => arc.side === side).map((arc) => ({
      arc,
      left: Math.min(arc.head.line, arc.tail.line),
      right: Math.max(arc.head.line, arc.tail.line),
    }));
    for (const run of runs) Object.assign(run, { from: run.left * 100, to: run.right * 100 });
    most[side] = Math.min(stack(runs), mostLanes());
    for (const run of runs) run.arc.lane = run.level % mostLanes();
  }
  return most;
}

/** The margins that a document will want, by its characters alone: where they do, its lines are broken once. */
function likelyMargins(doc, relations, width) {
  const signsOfLine = Math.max(20, width / SIGN_WIDTH);
  const arcs = relations.flatMap((relation) => {
    const [head, tail] = [relation.head, relation.tail].map((id) => doc.byId.get(id).start / signsOfLine);
    const ends = [head, tail].map((place) => ({ line: Math.floor(place) }));
    const side = (head % 1) + (tail % 1) < 1 ? "left" : "right";
    return ends[0].line === ends[1].line ? [] : [{ side, head: ends[0], tail: ends[1] }];
  });
  const { left, right } = stackLanes(arcs);
  return { left: marginOf(left), right: marginOf(right) };
}

const marginOf = (lanes) => (lanes ? lanes * LANE + 9 : 0);

/** A path through points with rounded corners. */
function rounded(points, radius = 5) {
  let path = `M${points[0].map((v) => v.toFixed(1))}`;
  for (let place = 1; place < points.length - 1; place++) {
    const [before, corner, after] = [points[place - 1], points[place], points[place + 1]];
    const cut = (other) => {
      const far = Math.hypot(other[0] - corner[0], other[1] - corner[1]) || 1;
      const share = Math.min(radius, far / 2) / far;
      return [corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share];
    };
    path += `L${cut(before).map((v) => v.toFixed(1))}Q${corner.map((v) => v.toFixed(1))} ${cut(after).map((v) => v.toFixed(1))}`;
  }
  return path + `L${points[points.length - 1].map((v) => v.toFixed(1))}`;
}

/** Colours of relations follow those of entities, so that few tasks use one for both. */
const relationLook = (type) => `c${(PAGE.entityTypes.length + type) % 8} d${Math.floor(type / 8) % 3}`;
const entityLook = (type) => `c${type % 8} d${Math.floor(type / 8) % 3}`;

const classOf = (kind, item) =>
  `${kind} ${(kind === "mention" ? entityLook : relationLook)(item.type)} ${item.status ? `status-${item.status}` : ""} ` +
  `${item.assertion && item.assertion !== "present" ? "unasserted" : ""}`;

function drawBracket(piece, group, line) {
  const y = line.textBottom + 3 + piece.level * BRACKET, { left, right } = piece;
  svg("rect", { class: "shade", x: left - 1, y: line.textTop, width: right - left + 2, height: line.textBottom - line.textTop, rx: 2 }, group);
  svg("path", { class: "bracket", d: `M${left},${y}v4H${right}v-4` }, group);
  svg("text", { class: "label", x: piece.labelLeft + 1, y: y + 15 }, group).textContent = piece.label;
  svg("rect", { class: "hit", x: piece.from, y, width: piece.to - piece.from, height: BRACKET - 3 }, group);
}

function drawArc(arc, group, lines, places) {
  const heights = arc.parts.map((part) => lines[part.line].textTop - 6 - part.level * ARC - ARC / 2);
  const base = (line) => lines[line].textTop - 1;
  let points = [[arc.headX, base(arc.head.line)], [arc.headX, heights[0]]];
  if (arc.wraps) {
    const offset = 9 + arc.lane * LANE;
    const x = arc.side === "left" ? places.left - offset : places.right + offset;
    points.push([x, heights[0]], [x, heights[1]], [arc.tailX, heights[1]]);
  } else points.push([arc.tailX, heights[0]]);
  points.push([arc.tailX, base(arc.tail.line)]);
  const path = rounded(points);
  svg("path", { class: "reach", d: path }, group);
  svg("path", { class: "arc", d: path }, group);
  if (!PAGE.relationTypes[arc.relation.type].undirected) {
    const tip = [arc.tailX, base(arc.tail.line)];
    svg("path", { class: "tip", d: `M${tip}l${-TIP},${-TIP * 1.6}h${2 * TIP}z` }, group);
  }
  arc.parts.forEach((part, place) => {
    if (part.labelX === undefined) return;
    svg("text", { class: "label", x: part.labelX, y: heights[place] + 4, "text-anchor": "middle" }, group).textContent = arc.label;
  });
}

/** Makes room for arcs and brackets, and says where each text comes to stand; returns the height of all. */
function spreadLines(lines) {
  const boxes = lines.map(({ element, span }) => [element.getBoundingClientRect(), span.getBoundingClientRect()]);
  let bottom = 0;
  lines.forEach((line, place) => {
    const above = line.arcLevels ? HEAD_ROOM + line.arcLevels * ARC : 3;
    const below = line.bracketLevels ? FOOT_ROOM + line.bracketLevels * BRACKET : 2;
    const [box, text] = boxes[place];
    Object.assign(line, { textTop: bottom + above + text.top - box.top, textBottom: bottom + above + text.bottom - box.top });
    line.element.style.padding = `${above}px 0 ${below}px`;
    bottom += above + box.height + below;
  });
  return bottom;
}

/** Draws `shown` mentions and relations of `doc` into `root`; returns what can be pointed at. */
function drawDocument(doc, root, shown, found) {
  /* What the last drawing needed: lines stay where they are while filters change. */
  let margins = doc.margins || likelyMargins(doc, shown.relations, root.clientWidth), lines, origin, pieces, arcs, byMention;
  for (;;) {
    lines = placeLines(doc, root, margins);
    origin = root.getBoundingClientRect().left;
    pieces = shown.mentions.flatMap((mention) => piecesOf(mention, lines, origin));
    byMention = Map.groupBy ? Map.groupBy(pieces, (piece) => piece.mention.id) : grouped(pieces);
    arcs = arcsOf(shown.relations, byMention);
    spreadStems(arcs, root.clientWidth / 2);
    const lanes = stackLanes(arcs);
    const wanted = { left: marginOf(lanes.left), right: marginOf(lanes.right) };
    if (wanted.left <= margins.left && wanted.right <= margins.right) break;
    margins = { left: Math.max(wanted.left, margins.left), right: Math.max(wanted.right, margins.right) };
  }
  doc.margins = margins;
  const width = root.clientWidth;
  stackBrackets(pieces, lines, width);
  stackArcs(arcs, lines, width);
  const height = spreadLines(lines);
  const picture = svg("svg", { width, height, class: "marks", "aria-hidden": "false" });
  root.prepend(picture);
  drawFound(found, lines, picture, origin);
  const places = { left: margins.left, right: width - margins.right };
  return { height, ...drawMarks({ doc, pieces, byMention, arcs, lines, places, picture }) };
}

function grouped(pieces) {
  const groups = new Map();
  for (const piece of pieces) groups.set(piece.mention.id, [...(groups.get(piece.mention.id) || []), piece]);
  return groups;
}

function drawFound(found, lines, picture, origin) {
  for (const { start, end } of found)
    for (const piece of piecesOf({ start, end }, lines, origin)) {
      const line = lines[piece.line];
      svg("rect", { class: "found", x: piece.left, y: line.textTop, width: piece.right - piece.left, height: line.textBottom - line.textTop }, picture);
    }
}

function drawMarks({ doc, pieces, byMention, arcs, lines, places, picture }) {
  const marks = [];
  const add = (kind, item, start) => {
    const group = svg("g", { class: classOf(kind, item), role: "button", tabindex: "-1", "data-id": item.id }, picture);
    marks.push({ kind, item, doc, group, start });
    return group;
  };
  for (const list of byMention.values()) {
    const mention = list[0].mention;
    const group = add("mention", mention, mention.start);
    group.setAttribute("aria-label", `${mentionLabel(mention)}: ${textOf(doc, mention)}${spoken(mention)}`);
    for (const piece of list) drawBracket(piece, group, lines[piece.line]);
  }
  const height = (arc) => Math.max(...arc.parts.map((part) => part.level));
  for (const arc of [...arcs].sort((a, b) => height(b) - height(a))) {
    const { relation, head, tail } = arc;
    const group = add("relation", relation, Math.max(head.mention.start, tail.mention.start) + 0.5);
    group.setAttribute("aria-label", `${textOf(doc, head.mention)}, ${relationLabel(relation)}, ${textOf(doc, tail.mention)}${spoken(relation)}`);
    drawArc(arc, group, lines, places);
  }
  marks.sort((a, b) => a.start - b.start);
  return { marks, pieces, lines };
}

const textOf = (doc, mention) => doc.text.slice(mention.start, mention.end).replace(/\s+/g, " ");
const spoken = (item) => (item.score === undefined ? "" : `, score ${item.score.toFixed(2)}`);
