/* What is most frequent among what is shown: entities, concepts, triples. */

const MOST_ROWS = 200;
const plain = (text) => text.toLowerCase().replace(/\s+/g, " ");

/** Adds one to a row, which is made at its first call. */
function tally(rows, key, make) {
  let row = rows.get(key);
  if (!row) rows.set(key, (row = { ...make(), mentions: 0, documents: new Set(), sum: 0, scored: 0, missing: 1 }));
  return row;
}

function count(row, doc, value) {
  row.mentions++;
  row.documents.add(doc.place);
  if (value === undefined) return;
  row.sum += value;
  row.scored++;
  row.missing *= 1 - value;
}

function corpusTables() {
  const entities = new Map(), concepts = new Map(), triples = new Map();
  for (const doc of DOCUMENTS) {
    if (!documentPasses(doc)) continue;
    const shown = shownOf(doc);
    for (const mention of shown.mentions) {
      const name = plain(textOf(doc, mention)), type = PAGE.entityTypes[mention.type].name;
      count(tally(entities, `${name}\t${type}`, () => ({ name, type })), doc, mention.score);
      if (!mention.concepts.length) continue;
      const [place, weight] = mention.concepts.reduce((a, b) => (b[1] > a[1] ? b : a));
      count(tally(concepts, place, () => ({ place })), doc, weight);
    }
    for (const relation of shown.relations) {
      const ends = [relation.head, relation.tail].map((id) => plain(textOf(doc, doc.byId.get(id))));
      const kind = PAGE.relationTypes[relation.type];
      const [head, tail] = kind.undirected ? ends.sort() : ends;
      const type = noted(kind.name, relation.assertion);
      count(tally(triples, `${head}\t${type}\t${tail}`, () => ({ head, type, tail })), doc, relation.score);
    }
  }
  return { entities, concepts, triples };
}

const mean = (row) => (row.scored ? row.sum / row.scored : undefined);
const either = (row) => (row.scored ? 1 - row.missing : undefined);
const searching = (text) => {
  const button = html("button", { type: "button", class: "look", title: "Look for this in the documents" }, text);
  button.addEventListener("click", () => lookFor(text));
  return button;
};

const COLUMNS = {
  entities: [
    ["Entity", (row) => row.name, searching],
    ["Type", (row) => row.type],
    ["Mentions", (row) => row.mentions],
    ["Documents", (row) => row.documents.size],
    ["Mean score", mean],
  ],
  concepts: [
    ["Concept", (row) => PAGE.concepts[row.place].name],
    ["Id", (row) => PAGE.concepts[row.place].id, (id, row) => link(id, PAGE.concepts[row.place].url)],
    ["Mentions", (row) => row.mentions],
    ["Documents", (row) => row.documents.size],
    ["Mean weight", mean],
  ],
  triples: [
    ["Head", (row) => row.head, searching],
    ["Relation", (row) => row.type],
    ["Tail", (row) => row.tail, searching],
    ["Mentions", (row) => row.mentions],
    ["Documents", (row) => row.documents.size],
    ["Combined score", either],
  ],
};
const sorting = { entities: [2, -1], concepts: [2, -1], triples: [3, -1] };

function compareCells(a, b) {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  return typeof a === "number" ? a - b : a < b ? -1 : 1;
}

function fillTable(name, rows) {
  const columns = COLUMNS[name], [at, way] = sorting[name];
  const sorted = [...rows.values()].sort((a, b) => way * compareCells(columns[at][1](a), columns[at][1](b)));
  const head = html("tr");
  columns.forEach(([title], place) => {
    const button = html("button", { type: "button" }, title, place === at ? (way < 0 ? " ↓" : " ↑") : "");
    button.addEventListener("click", () => {
      sorting[name] = [place, place === at ? -way : place < 2 ? 1 : -1];
      fillTable(name, rows);
    });
    head.append(html("th", { scope: "col", "aria-sort": place === at ? (way < 0 ? "descending" : "ascending") : "none" }, button));
  });
  const body = html("tbody");
  for (const row of sorted.slice(0, MOST_ROWS)) {
    const line = html("tr");
    for (const [, value, show] of columns) {
      const found = value(row);
      const written = typeof found === "number" && !Number.isInteger(found) ? found.toFixed(3) : found ?? "";
      line.append(html("td", typeof found === "number" ? { class: "number" } : {}, show ? show(found, row) : String(written)));
    }
    body.append(line);
  }
  const more = sorted.length > MOST_ROWS ? `the first ${MOST_ROWS} of ${sorted.length.toLocaleString("en")}` : `${sorted.length}`;
  byId(`${name}-table`).replaceChildren(html("thead", {}, head), body);
  byId(`${name}-count`).textContent = `${more} rows, of the documents and findings that the filters show`;
}

function fillTables() {
  for (const [name, rows] of Object.entries(corpusTables())) fillTable(name, rows);
}
