/**
 * What the page does: plain JavaScript that any browser runs as it stands. It is a text and no function of ours, for a function
 * would reach the page in whatever form a compiler gave it. A test shows it to the compiler and the linter. Texts of the trace
 * reach the page by `textContent` alone.
 */
export const SCRIPT = String.raw`
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const find = (id) => document.getElementById(id);
const [scroller, heads, picture, details] = ['scroller', 'heads', 'picture', 'details'].map(find);

const ROW = 18, HEAD = 38, GAP = 22, PAUSE_MS = 1000;
const TIME_X = 10, WHO_X = 112, LETTER = 7.25, COLUMN_MIN = 110, COLUMN_MAX = 240;
const state = { hiddenKinds: new Set(['seal']), hiddenNodes: new Set(), query: '', chosen: null, zoom: 1 };
const rowAt = new Map(data.rows.map((row) => [row.at, row]));
const brokenAt = data.violation ? data.violation.at : null;
let visible = [], placeY = new Map(), groups = new Map(), arrows = new Map();

const whoWidth = Math.min(26, Math.max(4, ...data.rows.map((row) => row.who.length)));
const TEXT_X = WHO_X + (whoWidth + 1) * LETTER, TEXT_LETTERS = 44, LEFT = TEXT_X + TEXT_LETTERS * LETTER + 16;

function element(parent, name, attributes, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}
const cut = (text, letters) => (text.length > letters ? text.slice(0, letters - 1) + '…' : text);
// Signs that turn the direction of writing, or break a line, would let one text pass for another.
const plain = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '\u00b7');

// ---- what is shown

function isShown(row) {
  // The broken step passes every filter, for without it the picture tells nothing.
  if (row.at === brokenAt) return true;
  if (state.hiddenKinds.has(row.kind)) return false;
  if (row.columns.some((column) => state.hiddenNodes.has(column))) return false;
  if (state.query === '' || row.kind === 'fault' || row.kind === 'node') return true;
  return (row.text + ' ' + row.who + ' ' + row.details.map((pair) => pair[1]).join(' ')).toLowerCase().includes(state.query);
}

function columnsShown() {
  const broken = rowAt.get(brokenAt);
  return data.nodes.map((_, index) => index).filter((index) => !state.hiddenNodes.has(index) || (broken && broken.columns.includes(index)));
}

// ---- the diagram

function draw() {
  visible = data.rows.filter(isShown);
  const columns = columnsShown();
  const room = scroller.clientWidth - LEFT - 30;
  const step = Math.max(COLUMN_MIN, Math.min(COLUMN_MAX, room / Math.max(1, columns.length)));
  const width = Math.max(LEFT + step * columns.length + 20, scroller.clientWidth - 2);
  const x = new Map(columns.map((column, index) => [column, LEFT + step * (index + 0.5)]));
  const gaps = layOut();
  const height = (visible.length ? placeY.get(visible[visible.length - 1].at) : 0) + ROW * 2;
  sizes = { width, height };
  picture.replaceChildren();
  heads.replaceChildren();
  groups = new Map();
  arrows = new Map();
  drawHeads(columns, x, step, width);
  const under = element(picture, 'g', {}), behind = element(picture, 'g', { class: 'marks' }), over = element(picture, 'g', { class: 'marks' });
  visible.forEach((row, index) => drawRow(under, row, index, width));
  drawLives(behind, columns, x, height);
  drawTroubles(behind, x, step, height);
  for (const gap of gaps) drawGap(behind, gap, width);
  for (const row of visible) drawMarks(over, row, x, step);
  resize();
  find('visible').textContent = visible.length === data.rows.length ? '' : visible.length + ' of them pass the filters.';
  if (state.chosen !== null && !groups.has(state.chosen)) choose(null);
  else light();
}
let sizes = { width: 0, height: 0 };

/** Gives every visible row its place. Returns what stands between rows: events left out, and long silences. */
function layOut() {
  placeY = new Map();
  const gaps = [];
  let y = ROW, skipped = 0, before = null;
  const shown = new Set(visible);
  for (const row of data.rows) {
    skipped += row.gap;
    if (!shown.has(row)) continue;
    const words = [];
    if (skipped > 0) words.push(skipped + ' left out');
    if (before && row.ms - before.ms >= PAUSE_MS) words.push(((row.ms - before.ms) / 1000).toFixed(1) + ' s later');
    if (words.length) { gaps.push({ y: y + GAP / 2 - ROW / 2, text: '⋯ ' + words.join(', ') }); y += GAP; }
    placeY.set(row.at, y);
    y += ROW;
    skipped = 0;
    before = row;
  }
  return gaps;
}

function drawHeads(columns, x, step, width) {
  element(heads, 'text', { x: TIME_X, y: 24 }, 'time');
  element(heads, 'text', { x: WHO_X, y: 24 }, 'where');
  element(heads, 'text', { x: TEXT_X, y: 24 }, 'what');
  for (const column of columns) {
    const group = element(heads, 'g', {});
    element(group, 'title', {}, plain(data.nodes[column]));
    element(group, 'rect', { class: 'box', x: x.get(column) - step / 2 + 5, y: 7, width: step - 10, height: 25, rx: 6 });
    element(group, 'text', { x: x.get(column), y: 24, 'text-anchor': 'middle' }, cut(plain(data.nodes[column]), Math.floor(step / 8.5)));
  }
  element(heads, 'line', { class: 'under', x1: 0, x2: width, y1: HEAD - 0.5, y2: HEAD - 0.5 });
}

function drawRow(parent, row, index, width) {
  const y = placeY.get(row.at);
  const before = visible[index - 1];
  const classes = ['row', row.kind, row.tone, index % 2 ? 'even' : 'odd', row.at === brokenAt ? 'broken' : ''];
  const group = element(parent, 'g', { class: classes.join(' '), 'data-at': row.at });
  element(group, 'rect', { class: 'hit', x: 1, y: y - ROW / 2, width: width - 2, height: ROW });
  if (!before || before.time !== row.time || row.at === brokenAt) element(group, 'text', { class: 'time', x: TIME_X, y: y + 4 }, row.time);
  element(group, 'text', { class: 'who', x: WHO_X, y: y + 4 }, cut(plain(row.who), whoWidth));
  const sign = row.at === brokenAt ? '✗ ' : row.kind === 'fault' ? '⚡ ' : '';
  // Where nobody in particular is concerned, nothing stands in the way of a long text.
  const letters = row.columns.length ? TEXT_LETTERS : 120;
  element(group, 'text', { class: 'text', x: TEXT_X, y: y + 4 }, cut(sign + plain(row.text), letters));
  groups.set(row.at, group);
}

/** Where an event stands, or the first visible one after it. */
function yFrom(at, height) {
  let low = 0, high = visible.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (visible[middle].at < at) low = middle + 1;
    else high = middle;
  }
  return low < visible.length ? placeY.get(visible[low].at) : height;
}

function drawLives(parent, columns, x, height) {
  for (const column of columns) {
    const at = x.get(column);
    element(parent, 'line', { class: 'death', x1: at, x2: at, y1: 0, y2: height });
    if (!data.lives.some((life) => life.columns[0] === column)) element(parent, 'line', { class: 'life', x1: at, x2: at, y1: 0, y2: height });
  }
  for (const life of data.lives) {
    const at = x.get(life.columns[0]);
    if (at === undefined) continue;
    const from = life.from === 0 ? 0 : yFrom(life.from, height), to = life.to === undefined ? height : yFrom(life.to, height);
    element(parent, 'line', { class: 'life', x1: at, x2: at, y1: from, y2: to });
  }
}

function drawTroubles(parent, x, step, height) {
  for (const trouble of data.troubles) {
    const places = trouble.columns.map((column) => x.get(column)).filter((place) => place !== undefined);
    if (places.length < trouble.columns.length) continue;
    const left = Math.min(...places) - 9, right = Math.max(...places) + 9;
    const from = yFrom(trouble.from, height), to = trouble.to === undefined ? height : yFrom(trouble.to, height);
    element(parent, 'rect', { class: 'trouble', x: left, width: right - left, y: from, height: Math.max(2, to - from) });
  }
}

function drawGap(parent, gap, width) {
  const group = element(parent, 'g', { class: 'gap' });
  element(group, 'line', { x1: LEFT - 10, x2: width - 10, y1: gap.y, y2: gap.y });
  element(group, 'text', { x: TEXT_X, y: gap.y + 4 }, gap.text);
}

// ---- marks of one event

function drawMarks(parent, row, x, step) {
  const y = placeY.get(row.at);
  const places = row.columns.map((column) => x.get(column));
  if (places.some((place) => place === undefined)) return;
  const [from, to] = places;
  if (row.kind === 'bytes') drawPiece(parent, row, from, to, y);
  else if (row.kind === 'stream') drawStream(parent, row, from, to, y, step);
  else if (row.kind === 'message') drawMessage(parent, row, from, y, step);
  else if (row.kind === 'node') drawNode(parent, row, from, y, step);
  else for (const place of places) drawSquare(parent, row, place, y, step);
}

function drawPiece(parent, row, from, to, y) {
  const partner = rowAt.get(row.partner), other = placeY.get(row.partner);
  const way = Math.sign(to - from) || 1;
  if (row.what === 'sent') {
    element(parent, 'circle', { class: 'mark bytes', cx: from, cy: y, r: 2.5 });
    if (row.isLost) {
      const end = from + (to - from) * 0.6;
      keep(row, element(parent, 'line', { class: 'arrow bad', x1: from, x2: end, y1: y, y2: y }));
      cross(parent, end, y);
    } else if (other === undefined) keep(row, element(parent, 'line', { class: 'arrow far', x1: from, x2: from + way * 40, y1: y, y2: y }));
    label(parent, row, from + way * 9, y - 3, way);
    return;
  }
  const isDrawnFromStart = partner && other !== undefined;
  const [startX, startY] = isDrawnFromStart ? [from, other] : [to - way * 40, y];
  const arrow = element(parent, 'line', { class: 'arrow' + (isDrawnFromStart ? '' : ' far'), x1: startX, y1: startY, x2: to, y2: y });
  keep(row, arrow);
  if (isDrawnFromStart) keep(partner, arrow);
  tip(parent, to, y, Math.atan2(y - startY, to - startX), '');
}

function drawStream(parent, row, from, to, y, step) {
  const bad = row.tone === 'bad' ? ' bad' : '';
  keep(row, element(parent, 'line', { class: 'arrow stream' + bad, x1: from, x2: to, y1: y, y2: y }));
  if (bad) cross(parent, to, y);
  else tip(parent, to, y, to < from ? Math.PI : 0, 'stream');
  element(parent, 'text', { class: 'label' + bad, x: (from + to) / 2, y: y + 4, 'text-anchor': 'middle' }, cut(row.label, Math.floor(step / 6.5)));
}

function drawMessage(parent, row, at, y, step) {
  const other = placeY.get(row.partner);
  if (row.what !== 'sent') {
    if (other !== undefined && other !== y) {
      const bulge = 10 + Math.min(step / 3, (y - other) / 5);
      const path = 'M' + at + ' ' + other + ' C' + (at + bulge) + ' ' + other + ' ' + (at + bulge) + ' ' + y + ' ' + at + ' ' + y;
      const arrow = element(parent, 'path', { class: 'arrow message ' + row.tone, d: path });
      keep(row, arrow);
      keep(rowAt.get(row.partner), arrow);
    }
    if (row.what === 'dead') cross(parent, at, y);
    else element(parent, 'circle', { class: 'mark message good', cx: at, cy: y, r: 3.5 });
  } else element(parent, 'circle', { class: 'mark message', cx: at, cy: y, r: 3.5 });
  label(parent, row, at + 14, y + 4, 1, step - 22);
}

function drawNode(parent, row, at, y, step) {
  if (row.what === 'crashed') cross(parent, at, y);
  else if (row.what === 'started') element(parent, 'path', { class: 'mark node', d: 'M' + (at - 5) + ' ' + (y - 5) + ' h10 l-5 10 z' });
  else element(parent, 'rect', { class: 'mark stopped', x: at - 5, y: y - 3, width: 10, height: 6 });
  label(parent, row, at + 12, y + 4, 1, step - 20);
}

function drawSquare(parent, row, at, y, step) {
  const size = row.kind === 'fault' ? 10 : 6;
  element(parent, 'rect', { class: 'mark ' + row.kind + ' ' + row.tone, x: at - size / 2, y: y - size / 2, width: size, height: size });
  label(parent, row, at + 12, y + 4, 1, step - 20);
}

function label(parent, row, x, y, way, room) {
  if (!row.label) return;
  const letters = room === undefined ? 14 : Math.floor(room / 6.2);
  const attributes = { class: 'label ' + row.kind + ' ' + row.tone, x, y, 'text-anchor': way < 0 ? 'end' : 'start' };
  element(parent, 'text', attributes, cut(plain(row.label), letters));
}
const cross = (parent, x, y) => element(parent, 'path', { class: 'cross', d: 'M' + (x - 5) + ' ' + (y - 5) + ' l10 10 m0 -10 l-10 10' });
function tip(parent, x, y, angle, kind) {
  const turn = 'translate(' + x + ' ' + y + ') rotate(' + (angle * 180) / Math.PI + ')';
  element(parent, 'path', { class: 'tip ' + kind, d: 'M0 0 L-8 -3.5 L-8 3.5 z', transform: turn });
}
function keep(row, arrow) {
  if (!arrows.has(row.at)) arrows.set(row.at, []);
  arrows.get(row.at).push(arrow);
}

// ---- choosing and stepping

function choose(at) {
  state.chosen = at;
  light();
  showDetails(rowAt.get(at));
  if (at !== null) bringIntoView(at);
}

function light() {
  for (const lit of document.querySelectorAll('.chosen, .lit')) lit.classList.remove('chosen', 'lit');
  const group = groups.get(state.chosen);
  if (group) group.classList.add('chosen');
  for (const arrow of arrows.get(state.chosen) || []) arrow.classList.add('lit');
}

function bringIntoView(at) {
  const y = placeY.get(at) * state.zoom, head = HEAD * state.zoom, room = scroller.clientHeight - head;
  if (y - 40 < scroller.scrollTop || y + 40 > scroller.scrollTop + room) scroller.scrollTop = Math.max(0, y - room / 2);
}

function step(by) {
  if (!visible.length) return;
  const now = visible.findIndex((row) => row.at === state.chosen);
  const next = now === -1 ? (by > 0 ? 0 : visible.length - 1) : Math.min(visible.length - 1, Math.max(0, now + by));
  choose(visible[next].at);
}

function showDetails(row) {
  details.replaceChildren();
  const add = (parent, name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    parent.append(made);
    return made;
  };
  if (!row) return void add(details, 'p', 'Choose an event, or step with the arrow keys. Ctrl and the wheel zoom.', 'hint');
  add(details, 'h2', row.kind + (row.what ? ' ' + row.what : ''));
  add(details, 'p', 'event ' + row.at + (row.who ? ', ' + plain(row.who) : ''), 'hint');
  if (row.at === brokenAt) add(details, 'p', '✗ ' + plain(data.violation.text)).style.color = 'var(--bad)';
  add(details, 'p', plain(row.text));
  const partner = rowAt.get(row.partner);
  if (row.partner !== undefined) {
    const button = add(details, 'button', partner ? partner.what + ' at ' + partner.time + ' (event ' + partner.at + ')' : 'its other end is left out');
    button.type = 'button';
    button.disabled = !partner || !groups.has(partner.at);
    button.addEventListener('click', () => choose(partner.at));
  }
  const list = add(details, 'dl');
  for (const [name, value] of row.details) {
    add(list, 'dt', name);
    add(list, 'dd', plain(value));
  }
}

// ---- zoom

function resize() {
  for (const [svg, height] of /** @type {[Element, number][]} */ ([[heads, HEAD], [picture, sizes.height]])) {
    svg.setAttribute('viewBox', '0 0 ' + sizes.width + ' ' + height);
    svg.setAttribute('width', String(sizes.width * state.zoom));
    svg.setAttribute('height', String(height * state.zoom));
  }
  find('zoom').textContent = Math.round(state.zoom * 100) + '%';
}

/** What is under the pointer stays there. */
function zoomTo(zoom, clientX, clientY) {
  const box = scroller.getBoundingClientRect();
  const px = clientX === undefined ? 0 : clientX - box.left, py = clientY === undefined ? box.height / 2 : clientY - box.top;
  const before = state.zoom;
  state.zoom = Math.min(4, Math.max(0.1, zoom));
  const times = state.zoom / before;
  const [left, top] = [(scroller.scrollLeft + px) * times - px, (scroller.scrollTop + py) * times - py];
  resize();
  scroller.scrollTo(left, top);
}

// ---- controls

function tick(parent, text, count, isOn, onChange) {
  const label = document.createElement('label'), box = document.createElement('input'), number = document.createElement('span');
  box.type = 'checkbox';
  box.checked = isOn;
  number.className = 'count';
  number.textContent = count === undefined ? '' : ' ' + count;
  label.append(box, ' ', plain(text), number);
  box.addEventListener('change', () => {
    onChange(box.checked);
    draw();
  });
  parent.append(label);
}
const put = (set, value, isIn) => (isIn ? set.add(value) : set.delete(value));

for (const kind of ['message', 'bytes', 'stream', 'fault', 'node', 'log', 'note', 'seal'])
  if (data.counts[kind]) tick(find('kinds'), kind, data.counts[kind], !state.hiddenKinds.has(kind), (isOn) => put(state.hiddenKinds, kind, !isOn));
data.nodes.forEach((name, index) => tick(find('nodes').querySelector('div'), name, undefined, true, (isOn) => put(state.hiddenNodes, index, !isOn)));

find('route').addEventListener('input', (event) => {
  state.query = /** @type {HTMLInputElement} */ (event.target).value.trim().toLowerCase();
  draw();
});
find('previous').addEventListener('click', () => step(-1));
find('next').addEventListener('click', () => step(1));
find('larger').addEventListener('click', () => zoomTo(state.zoom * 1.25));
find('smaller').addEventListener('click', () => zoomTo(state.zoom / 1.25));
find('natural').addEventListener('click', () => zoomTo(1));
scroller.addEventListener('wheel', (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoomTo(state.zoom * Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
}, { passive: false });
picture.addEventListener('click', (event) => {
  const group = /** @type {Element} */ (event.target).closest('.row');
  if (group) choose(Number(group.getAttribute('data-at')));
});
addEventListener('resize', draw);
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /** @type {Element} */ (event.target).matches('input[type=search]')) return;
  const orders = { ArrowDown: () => step(1), ArrowRight: () => step(1), ArrowUp: () => step(-1), ArrowLeft: () => step(-1),
    Home: () => step(-Infinity), End: () => step(Infinity), '+': () => zoomTo(state.zoom * 1.25), '-': () => zoomTo(state.zoom / 1.25), 0: () => zoomTo(1) };
  if (!Object.hasOwn(orders, event.key)) return;
  event.preventDefault();
  orders[event.key]();
});

if (data.violation) {
  const banner = find('violation');
  banner.hidden = false;
  banner.querySelector('span').textContent = plain(data.violation.text);
  banner.querySelector('button').hidden = !rowAt.has(brokenAt);
  banner.querySelector('button').addEventListener('click', () => choose(brokenAt));
}
draw();
if (rowAt.has(brokenAt)) choose(brokenAt);
`;
