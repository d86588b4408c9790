/* Lines of a text: where the browser breaks it, and where a stretch of characters lies in a line. */

/** The UTF-16 ranges of the lines that `text` fills at the width of `holder`. */
function brokenLines(text, holder) {
  holder.textContent = text;
  const node = holder.firstChild, lines = [];
  let start = 0;
  for (const { 0: wordsAndGaps, index } of text.matchAll(/[^\r\n]+/g)) {
    const starts = breaksWithin(text, index, index + wordsAndGaps.length, node);
    if (index > 0) starts.unshift(index);
    for (const at of starts) {
      lines.push({ start, end: at });
      start = at;
    }
  }
  lines.push({ start, end: text.length });
  holder.textContent = "";
  return lines.map(({ start, end }) => ({ start, end: withoutLineEnd(text, start, end) })).filter((line, place) => line.end > line.start || place === 0);
}

function withoutLineEnd(text, start, end) {
  while (end > start && (text[end - 1] === "\n" || text[end - 1] === "\r")) end--;
  return end;
}

const isSecondHalf = (text, at) => at > 0 && text.codePointAt(at - 1) > 0xffff;

/** Where new lines begin in from..to, which holds no line end: by halving, for each look costs a layout's answer. */
function breaksWithin(text, from, to, node) {
  const range = document.createRange();
  const topOf = (place) => {
    for (let at = isSecondHalf(text, place) ? place - 1 : place, end; at < to; at = end) {
      end = at + (text.codePointAt(at) > 0xffff ? 2 : 1);
      range.setStart(node, at);
      range.setEnd(node, end);
      const [rect] = range.getClientRects();
      if (rect) return rect.top;
    }
    return undefined;
  };
  const words = [...text.slice(from, to).matchAll(/\S+/g)].map((word) => ({ start: from + word.index, end: from + word.index + word[0].length }));
  const breaks = [];
  if (!words.length) return breaks;
  let at = 0, top = topOf(words[0].start);
  const isBelow = (place) => topOf(place) - top > 2;
  while (at < words.length) {
    let next = firstWhere(at + 1, words.length, (place) => isBelow(words[place].start));
    const last = words[next - 1];
    const inside = firstWhere(last.start, last.end, isBelow);
    if (inside < last.end) {
      breaks.push(inside);
      next--;
    } else if (next < words.length) breaks.push(words[next].start);
    else break;
    top = topOf(breaks.at(-1));
    at = next;
  }
  return breaks;
}

/** The first of from..to of which `holds` is true, as it is of all behind it; `to` where there is none. */
function firstWhere(from, to, holds) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The left and right edge, relative to `origin`, of characters from..to of a line's text node. */
function edges(node, from, to, origin) {
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to);
  const rect = range.getBoundingClientRect();
  return { left: rect.left - origin, right: rect.right - origin };
}

/** Gives each item the lowest level at which its from..to overlaps no other; shortest first. */
function stack(items, lowest = () => 0) {
  const levels = [];
  for (const item of [...items].sort((a, b) => a.right - a.left - (b.right - b.left) || a.left - b.left)) {
    let level = lowest(item);
    while ((levels[level] || []).some((o) => item.from < o.to + 4 && o.from < item.to + 4)) level++;
    (levels[level] ??= []).push(item);
    item.level = level;
  }
  return levels.length;
}
