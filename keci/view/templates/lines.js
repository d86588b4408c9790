/* Lines of a text: where the browser breaks it, and where a stretch of characters lies in a line. */

/** The UTF-16 ranges of the lines that `text` fills at the width of `holder`. */
function brokenLines(text, holder) {
  holder.textContent = text;
  const node = holder.firstChild, lines = [];
  let start = 0, top = null;
  const range = document.createRange();
  const rectsOf = (from, to) => {
    range.setStart(node, from);
    range.setEnd(node, to);
    return range.getClientRects();
  };
  const visit = (from, to) => {
    const rects = rectsOf(from, to);
    if (!rects.length) return;
    if (rects[0].top !== rects[rects.length - 1].top && to - from > 1) {
      for (let at = from; at < to; at += text.codePointAt(at) > 0xffff ? 2 : 1)
        visit(at, at + (text.codePointAt(at) > 0xffff ? 2 : 1));
      return;
    }
    if (top !== null && rects[0].top - top > 2) {
      lines.push({ start, end: from });
      start = from;
    }
    top = rects[0].top;
  };
  for (const word of text.matchAll(/\r\n|[\n\r]|[^\s]+/g)) {
    const end = word.index + word[0].length;
    if (word[0] === "\n" || word[0] === "\r" || word[0] === "\r\n") {
      lines.push({ start, end: word.index });
      start = end;
      top = null;
    } else visit(word.index, end);
  }
  lines.push({ start, end: text.length });
  holder.textContent = "";
  return lines.filter((line, place) => line.end > line.start || place === 0);
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
