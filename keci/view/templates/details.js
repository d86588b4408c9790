/* The card that tells everything about an entity or relation. */

const card = document.getElementById("card");
let pinned = null, told = null;

const percent = (value) => (value === undefined ? "–" : value.toFixed(3));

function pairs(rows) {
  const list = html("dl");
  for (const [name, value] of rows) if (value !== undefined && value !== null) list.append(html("dt", {}, name), html("dd", {}, value));
  return list;
}

function meter(value) {
  const bar = html("span", { class: "bar" });
  bar.style.width = `${Math.round(Math.max(0, Math.min(1, value)) * 100)}%`;
  return html("span", { class: "meter" }, bar);
}

function link(id, url) {
  return url ? html("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, id) : html("span", {}, id);
}

function conceptRow(place, weight) {
  const concept = PAGE.concepts[place];
  const types = concept.types.map((code) => `${PAGE.semanticTypes[code] || code} (${code})`).join(", ");
  const body = html("div", {}, html("strong", {}, concept.name), " ", link(concept.id, concept.url));
  if (types) body.append(html("div", { class: "dim" }, types));
  if (concept.definition) body.append(html("div", { class: "definition" }, concept.definition));
  if (concept.xrefs.length) {
    const others = html("div", { class: "dim" }, "also ");
    concept.xrefs.forEach((other, at) => others.append(at ? ", " : "", link(other.id, other.url)));
    body.append(others);
  }
  return html("li", {}, html("span", { class: "weight" }, percent(weight), meter(weight)), body);
}

function conceptList(mention) {
  if (mention.context === undefined && !mention.concepts.length) return null;
  const list = html("ol", { class: "concepts" });
  for (const [place, weight] of mention.concepts) list.append(conceptRow(place, weight));
  if (mention.context !== undefined)
    list.append(html("li", { class: "sentinel" },
      html("span", { class: "weight" }, percent(mention.context), meter(mention.context)),
      html("div", {}, html("em", {}, "the text itself"), html("div", { class: "dim" }, "attention to no concept (the sentinel)"))));
  return html("div", {}, html("h4", {}, "Concepts by attention"), list);
}

function mentionCard(doc, mention) {
  const type = PAGE.entityTypes[mention.type].name;
  return [
    html("h3", {}, textOf(doc, mention)),
    pairs([
      ["type", mention.goldType === undefined ? type : `${type}, gold: ${PAGE.entityTypes[mention.goldType].name}`],
      ["compared", mention.status],
      ["score", mention.score === undefined ? undefined : percent(mention.score)],
      ["type score", mention.typeScore === undefined ? undefined : percent(mention.typeScore)],
      ["assertion", mention.assertion],
      ["offsets", `${mention.at[0]}–${mention.at[1]}`],
    ]),
    conceptList(mention),
  ];
}

function relationCard(doc, relation) {
  const end = (id) => doc.byId.get(id);
  const named = (mention) => `${textOf(doc, mention)} (${PAGE.entityTypes[mention.type].name})`;
  const type = PAGE.relationTypes[relation.type].name;
  return [
    html("h3", {}, `${textOf(doc, end(relation.head))} → ${textOf(doc, end(relation.tail))}`),
    pairs([
      ["relation", relation.goldType === undefined ? type : `${type}, gold: ${PAGE.relationTypes[relation.goldType].name}`],
      ["compared", relation.status],
      ["head", named(end(relation.head))],
      ["tail", named(end(relation.tail))],
      ["score", relation.score === undefined ? undefined : percent(relation.score)],
      ["assertion", relation.assertion],
    ]),
  ];
}

function showCard(mark) {
  const make = mark.kind === "mention" ? mentionCard : relationCard;
  card.replaceChildren(...make(mark.doc, mark.item).filter(Boolean));
  card.hidden = false;
  told = mark;
  placeCard();
}

/** Puts the card beside the item that it tells of. */
function placeCard() {
  const mark = told;
  const target = mark.group.querySelector(mark.kind === "mention" ? ".bracket" : "text.label").getBoundingClientRect();
  if (innerWidth < 640) {
    card.classList.add("sheet");
    card.style.left = card.style.top = "";
    return;
  }
  card.classList.remove("sheet");
  const { width, height } = card.getBoundingClientRect();
  const below = target.bottom + 26, above = target.top - height - 40;
  card.style.left = `${Math.max(8, Math.min(target.left, document.documentElement.clientWidth - width - 8))}px`;
  card.style.top = `${below + height < innerHeight || above < 8 ? Math.max(8, Math.min(below, innerHeight - height - 8)) : above}px`;
}

function hideCard() {
  card.hidden = true;
  pinned = told = null;
}

/** Marks an item and what belongs to it: the ends of a relation, the relations of an entity. */
function lightUp(marks, mark) {
  for (const other of marks) {
    const same = other === mark;
    const joined = mark && mark.kind !== other.kind &&
      [mark, other].some(({ kind, item }, place, both) =>
        kind === "relation" && [item.head, item.tail].includes(both[1 - place].item.id));
    other.group.classList.toggle("on", same || Boolean(joined));
    other.group.classList.toggle("off", Boolean(mark) && !same && !joined && other.kind === "relation");
  }
}
