/* The page: documents drawn as they come into sight, tabs, pointer and keyboard. */

const DOCUMENTS = PAGE.documents;
const views = new Map();
let openedTab = "documents";

DOCUMENTS.forEach((doc, place) => {
  doc.place = place;
  doc.byId = new Map(doc.mentions.map((mention) => [mention.id, mention]));
});

function setUpDocument(doc) {
  const root = html("div", { class: "text" });
  const header = html("header", {}, html("h2", {}, doc.id), doc.title ? html("span", { class: "dim" }, doc.title) : null, doc.text.trim() ? null : html("span", { class: "dim" }, "no text"));
  const article = html("article", { tabindex: "0", "aria-label": `document ${doc.id}`, "data-place": doc.place }, header, root);
  root.style.minHeight = `${Math.ceil(doc.text.length / 80) * 60}px`;
  byId("documents-list").append(article);
  const view = { doc, article, root, drawn: false, near: false, marks: [], at: -1 };
  views.set(article, view);
  root.addEventListener("pointermove", (event) => pointAt(view, event));
  root.addEventListener("pointerleave", () => leave(view));
  root.addEventListener("click", (event) => pin(view, event));
  article.addEventListener("keydown", (event) => walk(view, event));
  article.addEventListener("focusout", () => {
    if (!pinned) leave(view);
  });
  return view;
}

function draw(view) {
  if (view.drawn || view.article.hidden) return;
  view.drawn = true;
  view.root.style.minHeight = "";
  const shown = shownOf(view.doc);
  view.told = tellingOf(shown);
  const drawing = drawDocument(view.doc, view.root, shown, foundIn(view.doc));
  Object.assign(view, drawing, { at: -1 });
  for (const mark of view.marks) {
    mark.group.addEventListener("focus", () => {
      lightUp(view.marks, mark);
      showCard(mark);
    });
  }
}

/** What a drawing shows, as text. */
const tellingOf = ({ mentions, relations }) => [...mentions, ...relations].map((item) => item.id).concat(chosen.text).join("\n");

function forget(view) {
  if (!view.drawn) return;
  view.root.style.minHeight = `${view.height}px`;
  view.root.textContent = "";
  Object.assign(view, { drawn: false, marks: [], at: -1 });
}

/* What is in sight is drawn first, then what is near it, as much in each frame as leaves the page smooth. */
const BUDGET = { inSight: 12, near: 8 };
const waiting = { inSight: new Set(), near: new Set() };
const isInSight = (box) => box.bottom > 0 && box.top < innerHeight;
const isWaiting = () => waiting.inSight.size + waiting.near.size > 0;

function drawSoon(views) {
  if (!isWaiting() && views.length) requestAnimationFrame(drawWaiting);
  for (const { view, box } of views) waiting[isInSight(box) ? "inSight" : "near"].add(view);
}

/** Draws what waits until the time of a frame is over; one document at least. */
function drawWaiting() {
  const began = performance.now();
  for (const [kind, views] of Object.entries(waiting)) {
    for (const view of views) {
      views.delete(view);
      if (view.near) draw(view);
      if (performance.now() - began > BUDGET[kind]) return void requestAnimationFrame(drawWaiting);
    }
  }
}

const watcher = new IntersectionObserver(
  (entries) => {
    const near = [];
    for (const { target, isIntersecting, boundingClientRect: box } of entries) {
      const view = views.get(target);
      view.near = isIntersecting;
      isIntersecting ? near.push({ view, box }) : forget(view);
    }
    drawSoon(near);
  },
  { rootMargin: "600px 0px" },
);

function forgetMargins() {
  for (const doc of DOCUMENTS) doc.margins = doc.broken = undefined;
}

/** Draws anew what is near; `isStale` says of what is drawn whether it still holds. */
function redraw(isStale = () => true) {
  hideCard();
  for (const view of views.values()) if (view.drawn && (view.article.hidden || isStale(view))) forget(view);
  const near = [...views.values()].filter((view) => view.near && !view.drawn && !view.article.hidden);
  const placed = near.map((view) => ({ view, box: view.article.getBoundingClientRect() }));
  drawSoon(placed);
}

function filtersChanged() {
  let shown = 0;
  for (const view of views.values()) {
    const passes = documentPasses(view.doc);
    view.article.hidden = !passes;
    shown += passes;
  }
  byId("shown-count").textContent = `${shown.toLocaleString("en")} of ${DOCUMENTS.length.toLocaleString("en")} documents`;
  for (const view of views.values()) lightUp(view.marks, undefined);
  redraw((view) => view.told !== tellingOf(shownOf(view.doc)));
  fillOpenedTable();
}

function markAt(view, event) {
  const group = event.target.closest?.("g[data-id]");
  if (group) return view.marks.find((mark) => mark.group === group);
  const box = view.root.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const under = (view.pieces || []).filter((piece) => {
    const line = view.lines[piece.line];
    return x >= piece.left && x <= piece.right && y >= line.textTop && y <= line.textBottom;
  });
  if (!under.length) return undefined;
  const inner = under.reduce((best, piece) => (piece.mention.end - piece.mention.start < best.mention.end - best.mention.start ? piece : best));
  return view.marks.find((mark) => mark.item === inner.mention);
}

function pointAt(view, event) {
  if (pinned || event.pointerType === "touch") return;
  const mark = markAt(view, event);
  if (mark === view.pointed) return;
  view.pointed = mark;
  lightUp(view.marks, mark);
  mark ? showCard(mark) : hideCard();
}

function leave(view) {
  if (pinned) return;
  view.pointed = undefined;
  lightUp(view.marks, undefined);
  hideCard();
}

function pin(view, event) {
  const mark = markAt(view, event);
  hideCard();
  lightUp(view.marks, mark);
  if (!mark) return;
  showCard(mark);
  pinned = mark;
}

/** Arrow keys inside a document go from finding to finding. */
function walk(view, event) {
  draw(view);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const ends = { Home: 0, End: view.marks.length - 1 }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || !view.marks.length) return;
  if (step === undefined && ends === undefined) return;
  if (view.at < 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) return;
  event.preventDefault();
  pinned = null;
  view.at = ends ?? Math.max(0, Math.min(view.marks.length - 1, view.at + step));
  const mark = view.marks[view.at];
  mark.group.focus({ preventScroll: true });
  mark.group.querySelector("text.label").scrollIntoView({ block: "nearest" });
}

function step(way) {
  const list = [...views.values()].filter((view) => !view.article.hidden);
  const now = list.findIndex((view) => view.article.contains(document.activeElement));
  const next = list[now < 0 ? 0 : Math.max(0, Math.min(list.length - 1, now + way))];
  next?.article.focus();
  next?.article.scrollIntoView({ block: "start" });
}

function openTab(name) {
  openedTab = name;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const mine = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(mine));
    tab.tabIndex = mine ? 0 : -1;
    byId(`${tab.dataset.tab}-panel`).hidden = !mine;
  }
  hideCard();
  fillOpenedTable();
  if (name === "documents") redraw();
}

function setUpTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => openTab(tab.dataset.tab));
    tab.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way) return;
      const next = tabs[(place + way + tabs.length) % tabs.length];
      openTab(next.dataset.tab);
      next.focus();
    });
  }
  for (const node of document.querySelectorAll("[data-look]")) {
    node.addEventListener("click", () => lookFor(node.dataset.look));
    node.addEventListener("keydown", (event) => event.key === "Enter" && lookFor(node.dataset.look));
  }
}

function onKey(event) {
  if (event.key === "Escape") {
    hideCard();
    for (const view of views.values()) lightUp(view.marks, undefined);
    byId("help").close?.();
    return;
  }
  if (event.target.matches?.("input[type=search]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const actions = {
    j: () => openedTab === "documents" && step(1),
    k: () => openedTab === "documents" && step(-1),
    "/": () => byId("text").focus(),
    "?": () => byId("help").showModal(),
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

document.querySelector(".filters").open = innerWidth > 640;
for (const doc of DOCUMENTS) setUpDocument(doc);
setUpFilters();
setUpTabs();
filtersChanged();
for (const article of views.keys()) watcher.observe(article);
document.addEventListener("keydown", onKey);
byId("help-button").addEventListener("click", () => byId("help").showModal());
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(redraw.timer);
  redraw.timer = setTimeout(() => {
    forgetMargins();
    redraw();
  }, 150);
});
addEventListener("scroll", () => told && placeCard(), { passive: true });
/* Paper is narrower than most windows, and the browser asks for no second drawing on it. */
function printing(isOn) {
  document.body.classList.toggle("printing", isOn);
  forgetMargins();
  for (const view of views.values()) {
    forget(view);
    if (isOn || view.near) draw(view);
  }
}
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));
