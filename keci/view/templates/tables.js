/* What is most frequent among what is shown: entities, concepts, triples. */

const MOST_ROWS = 100;
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

const rowNumbers = new Map();
/** The number of what is counted in one row: looked up once for each finding, for long keys are slow. */
function numberOf(key) {
  if (!rowNumbers.has(key)) rowNumbers.set(key, rowNumbers.size);
  return rowNumbers.get(key);
}

/** What a mention is called in the tables, found once. */
const nameOf = (doc, mention) => (mention.name ??= plain(textOf(doc, mention)));

const COUNT = {
  entities(rows, doc, { mentions }) {
    for (const mention of mentions) {
      const name = nameOf(doc, mention), type = PAGE.entityTypes[mention.type].name;
      mention.row ??= numberOf(`${name}\t${type}`);
      count(tally(rows, mention.row, () => ({ name, type })), doc, mention.score);
    }
  },
  concepts(rows, doc, { mentions }) {
    for (const { concepts } of mentions) {
      if (!concepts.length) continue;
      const [place, weight] = concepts[0];
      count(tally(rows, place, () => ({ place })), doc, weight);
    }
  },
  triples(rows, doc, { relations }) {
    for (const relation of relations) {
      relation.told ??= toldBy(doc, relation);
      count(tally(rows, relation.told.row, () => relation.told), doc, relation.score);
    }
  },
};

/** The names of a relation's ends and what it is, found once. */
function toldBy(doc, relation) {
  const ends = [relation.head, relation.tail].map((id) => nameOf(doc, doc.byId.get(id)));
  const kind = PAGE.relationTypes[relation.type];
  const [head, tail] = kind.undirected ? ends.sort() : ends;
  const type = noted(kind.name, relation.assertion);
  return { head, type, tail, row: numberOf(`${head}\t${type}\t${tail}`) };
}

function tableRows(name) {
  const rows = new Map();
  for (const doc of DOCUMENTS) if (documentPasses(doc)) COUNT[name](rows, doc, shownOf(doc));
  return rows;
}

const mean = (row) => (row.scored ? row.sum / row.scored : undefined);
const either = (row) => (row.scored ? 1 - row.missing : undefined);
const share = (value) => (value === undefined ? "" : value.toFixed(3));
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
    ["Mean score", mean, share],
  ],
  concepts: [
    ["Concept", (row) => PAGE.concepts[row.place].name],
    ["Id", (row) => PAGE.concepts[row.place].id, (id, row) => link(id, PAGE.concepts[row.place].url)],
    ["Mentions", (row) => row.mentions],
    ["Documents", (row) => row.documents.size],
    ["Mean weight", mean, share],
  ],
  triples: [
    ["Head", (row) => row.head, searching],
    ["Relation", (row) => row.type],
    ["Tail", (row) => row.tail, searching],
    ["Mentions", (row) => row.mentions],
    ["Documents", (row) => row.documents.size],
    ["Combined score", either, share],
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
  const valueOf = columns[at][1];
  const sorted = [...rows.values()].sort((a, b) => way * compareCells(valueOf(a), valueOf(b)));
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
      const written = show ? show(found, row) : typeof found === "number" ? found.toLocaleString("en") : found;
      line.append(html("td", typeof found === "number" ? { class: "number" } : {}, written));
    }
    body.append(line);
  }
  const more = sorted.length > MOST_ROWS ? `the first ${MOST_ROWS} of ${sorted.length.toLocaleString("en")}` : sorted.length.toLocaleString("en");
  byId(`${name}-table`).replaceChildren(html("thead", {}, head), body);
  byId(`${name}-count`).textContent = `${more} rows, of the documents and findings that the filters show`;
}

/** Fills the table of the opened tab, if it has one. */
function fillOpenedTable() {
  if (openedTab in COUNT) fillTable(openedTab, tableRows(openedTab));
}
