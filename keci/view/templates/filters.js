/* What is shown: types, score, assertion, text and document, as the reader chooses. */

const byId = (id) => document.getElementById(id);
const chosen = { score: 0, text: "", document: "", found: false, entity: new Set(), relation: new Set(), assertion: new Set(), status: new Set() };

const chooses = (item, kind) =>
  (item.score === undefined || item.score >= chosen.score) &&
  chosen[kind].has(item.type) &&
  (!PAGE.assertions.length || chosen.assertion.has(item.assertion || "present")) &&
  (!PAGE.statuses.length || chosen.status.has(item.status));

/** The mentions and relations of a document that pass the filters. */
function shownOf(doc) {
  const mentions = doc.mentions.filter((mention) => chooses(mention, "entity"));
  const ids = new Set(mentions.map((mention) => mention.id));
  const relations = doc.relations.filter(
    (relation) => chooses(relation, "relation") && ids.has(relation.head) && ids.has(relation.tail),
  );
  return { mentions, relations };
}

const MOST_FOUND = 200;

/** A document's text without regard to case, as long as the text itself. */
function lowered(doc) {
  if (doc.lower === undefined) {
    const lower = doc.text.toLowerCase();
    doc.lower = lower.length === doc.text.length ? lower : doc.text;
  }
  return doc.lower;
}

/** Where the text that is looked for stands in a document. */
function foundIn(doc) {
  const places = [], wanted = chosen.text;
  if (!wanted) return places;
  const lower = lowered(doc);
  for (let at = lower.indexOf(wanted); at >= 0 && places.length < MOST_FOUND; at = lower.indexOf(wanted, at + wanted.length))
    places.push({ start: at, end: at + wanted.length });
  return places;
}

function documentPasses(doc) {
  if (chosen.document && !`${doc.id} ${doc.title || ""}`.toLowerCase().includes(chosen.document)) return false;
  if (chosen.text && !lowered(doc).includes(chosen.text)) return false;
  if (!chosen.found) return true;
  return shownOf(doc).mentions.length > 0;
}

function chips(kind, entries) {
  const box = byId(`${kind}-chips`);
  if (!box) return;
  box.closest("fieldset").hidden = !entries.length;
  for (const { value, name, count, look } of entries) {
    chosen[kind].add(value);
    const input = html("input", { type: "checkbox", checked: "" });
    input.addEventListener("change", () => {
      input.checked ? chosen[kind].add(value) : chosen[kind].delete(value);
      filtersChanged();
    });
    const swatch = look ? html("span", { class: `swatch ${look}` }) : null;
    box.append(html("label", { class: "chip" }, input, swatch, `${name} `, html("span", { class: "dim" }, count.toLocaleString("en"))));
  }
}

function counted(items, key) {
  const counts = new Map();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) || 0) + 1);
  return counts;
}

function setUpFilters() {
  const mentions = DOCUMENTS.flatMap((doc) => doc.mentions), relations = DOCUMENTS.flatMap((doc) => doc.relations);
  const typed = (types, items, lookOf) => {
    const counts = counted(items, (item) => item.type);
    return types.map((type, value) => ({ value, name: type.name, count: counts.get(value) || 0, look: lookOf(value) }));
  };
  chips("entity", typed(PAGE.entityTypes, mentions, entityLook));
  chips("relation", typed(PAGE.relationTypes, relations, relationLook));
  const both = [...mentions, ...relations];
  const asserted = counted(both, (item) => item.assertion || "present");
  chips("assertion", PAGE.assertions.map((value) => ({ value, name: value, count: asserted.get(value) || 0 })));
  const compared = counted(both, (item) => item.status);
  chips("status", PAGE.statuses.map((value) => ({ value, name: value, count: compared.get(value) || 0 })));
  const later = (change) => (event) => {
    change(event.target);
    clearTimeout(later.timer);
    later.timer = setTimeout(filtersChanged, 120);
  };
  byId("score").addEventListener("input", later((input) => {
    chosen.score = Number(input.value);
    byId("score-value").textContent = chosen.score.toFixed(2);
  }));
  byId("score").closest("label").hidden = !both.some((item) => item.score !== undefined);
  byId("text").addEventListener("input", later((input) => (chosen.text = input.value.trim().toLowerCase())));
  byId("document").addEventListener("input", later((input) => (chosen.document = input.value.trim().toLowerCase())));
  byId("found").addEventListener("change", later((input) => (chosen.found = input.checked)));
}

function lookFor(text) {
  byId("text").value = text;
  chosen.text = text.toLowerCase();
  filtersChanged();
  openTab("documents");
}
