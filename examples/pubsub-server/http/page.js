/* page.js - draws each snapshot that /events sends. Names come from strangers: they are text, never markup. */
'use strict';

const SECONDS_SHOWN = 120;
const TOPICS_DRAWN = 12;
const SILENCE_MS = 5000;
const SILENCE_INTERVALS = 3;
const GROUP_KINDS = ['threads', 'caller', 'loop', 'polled'];

const byId = (id) => document.getElementById(id);
const exact = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const precise = new Intl.NumberFormat('en',
  { notation: 'compact', minimumSignificantDigits: 3, maximumSignificantDigits: 3 });

/* ---- numbers ---- */

const count = (value) => (value < 10000 ? exact.format(value) : compact.format(value));

function rateText(rate) {
  if (rate === null) return '–';
  if (rate >= 10000) return precise.format(rate);
  return rate > 0 && rate < 9.95 ? rate.toFixed(1) : exact.format(Math.round(rate));
}

function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return (unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)) + ' ' + units[unit];
}

function duration(ns) {
  if (ns >= 1e9) return (ns / 1e9).toFixed(ns >= 1e10 ? 0 : 1) + ' s';
  return ns >= 1e6 ? (ns / 1e6).toFixed(0) + ' ms' : (ns / 1e3).toFixed(0) + ' µs';
}

const plural = (number, noun) => exact.format(number) + ' ' + noun + (number === 1 ? '' : 's');

/* ---- elements ---- */

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function makeSvg(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAll(element, attributes);
  return element;
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* The children of an element, by key: what is still there stays the same element, so that focus, selection and
 * tooltips survive. Between begin and end, `get` is called for each in its order. */
class Children {
  constructor(parent) {
    this.parent = parent;
    this.all = new Map();
  }

  begin() {
    this.seen = new Set();
    this.next = this.parent.firstChild;
  }

  get(key, create) {
    let element = this.all.get(key);
    if (!element) {
      element = create();
      this.all.set(key, element);
    }
    this.seen.add(key);
    if (element === this.next) this.next = element.nextSibling;
    else this.parent.insertBefore(element, this.next);
    return element;
  }

  end() {
    for (const [key, element] of this.all)
      if (!this.seen.has(key)) {
        element.remove();
        this.all.delete(key);
      }
  }
}

function nameCell(tag) {
  const cell = make(tag, '', make('bdi'));
  if (tag === 'th') cell.scope = 'row';
  return cell;
}

/* What would be nothing to see, or would turn round what stands beside it. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

const visible = (name) =>
  name.replace(UNSEEN, (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'));

function setName(cell, name) {
  const text = visible(name);
  setText(cell.firstChild, text);
  cell.title = text;
}

function setNumber(cell, value, text, isHot) {
  setText(cell, text);
  cell.className = 'number' + (isHot ? ' hot' : value ? '' : ' zero');
}

function meterCell(kind) {
  const text = make('span', 'text');
  const track = make('div', 'track', make('div', 'fill'));
  return make('td', '', make('div', 'meter ' + kind, track, text));
}

function setMeter(cell, part, text, level) {
  const meter = cell.firstChild;
  const fill = meter.firstChild.firstChild;
  fill.style.width = (Math.min(1, Math.max(part > 0 ? 0.02 : 0, part)) * 100).toFixed(1) + '%';
  fill.className = 'fill ' + (level || '');
  setText(meter.lastChild, text);
}

/* ---- rates ---- */

/* What a counter has gained a second; null if the one before is not known, or the server is another one. */
function rateOf(now, before, seconds) {
  return before === undefined || seconds <= 0 || now < before ? null : (now - before) / seconds;
}

/* How a snapshot differs from the one before. */
function compare(snapshot, before) {
  const seconds = before ? (snapshot.now_ns - before.now_ns) / 1e9 : 0;
  const olds = new Map(before ? before.groups.map((group) => [group.id, group]) : []);
  const groups = new Map();
  let delivered = seconds > 0 ? 0 : null;
  for (const group of snapshot.groups) {
    const old = olds.get(group.id) || (seconds > 0 ? {} : { posted: undefined });
    const rates = {};
    for (const figure of ['posted', 'delivered', 'passes', 'wakes', 'refused'])
      rates[figure] = rateOf(group[figure], old[figure], seconds);
    groups.set(group.id, rates);
    if (delivered !== null && rates.delivered !== null) delivered += rates.delivered;
  }
  const published = rateOf(snapshot.server.publishes, before && before.server.publishes, seconds);
  return { groups, published, delivered: published === null ? null : delivered };
}

/* ---- tiles ---- */

const tiles = new Children(byId('tiles'));

function drawTile(key, title, value, more, isWarning) {
  const tile = tiles.get(key, () =>
    make('div', '', make('dt', '', title), make('dd', 'value'), make('dd', 'more')));
  tile.className = isWarning ? 'warn' : '';
  setText(tile.children[1], value);
  setText(tile.children[2], more);
}

function drawTiles(snapshot, rates) {
  const { server, bus } = snapshot;
  const lag = snapshot.groups.reduce((sum, group) => sum + group.lag, 0);
  const capacity = snapshot.groups.reduce((sum, group) => sum + (group.kind === 1 ? 0 : group.capacity), 0);
  tiles.begin();
  drawTile('published', 'published / s', rateText(rates.published), count(server.publishes) + ' in all');
  drawTile('delivered', 'delivered / s', rateText(rates.delivered), count(bus.dead) + ' posts had no taker');
  drawTile('lag', 'in the rings', count(lag), 'of ' + count(capacity) + ' slots', lag > capacity / 2);
  drawTile('clients', 'clients', count(server.clients),
    server.clients_cut_off > 0 ? count(server.clients_cut_off) + ' cut off' :
      'of ' + exact.format(server.clients_limit));
  drawTile('subscriptions', 'subscriptions', count(server.subscriptions),
    plural(server.channels, 'channel') + ', ' + plural(server.patterns, 'pattern'));
  drawTile('memory', 'memory of the bus', bytes(bus.memory),
    server.message_memory_bytes > 0 ? bytes(server.message_memory_bytes) + ' of long messages' :
      plural(bus.topics, 'topic'));
  if (server.has_journal)
    drawTile('journal', 'on the disk', count(server.journal_kept),
      server.journal_not_kept > 0 ? count(server.journal_not_kept) + ' failed' :
        plural(server.journal_syncs, 'sync'), server.journal_not_kept > 0);
  tiles.end();
}

/* ---- chart ---- */

const chart = new Children(byId('chart'));
let points = [];

function remember(snapshot, rates) {
  const at = snapshot.now_ns / 1e9;
  if (points.length > 0 && at < points[points.length - 1].at) points = [];
  points.push({ at, published: rates.published, delivered: rates.delivered });
  points = points.filter((point) => point.at > at - SECONDS_SHOWN - 5);
}

/* 1, 2 or 5 times a power of ten, not below the value. */
function roundUp(value) {
  const power = Math.pow(10, Math.floor(Math.log10(Math.max(value, 1))));
  return [1, 2, 5, 10].map((digit) => digit * power).find((candidate) => candidate >= value);
}

/* A line for each run of points without a gap. */
function pathOf(figure, x, y, isArea) {
  let path = '';
  let last = null;
  const finish = () => {
    if (isArea && last) path += 'L' + x(last.at) + ' ' + y(0) + 'Z';
  };
  for (const point of points) {
    if (point[figure] === null) {
      finish();
      last = null;
      continue;
    }
    if (!last) path += 'M' + x(point.at) + ' ' + (isArea ? y(0) + 'L' + x(point.at) + ' ' : '') + y(point[figure]);
    else path += 'L' + x(point.at) + ' ' + y(point[figure]);
    last = point;
  }
  finish();
  return path;
}

function drawChart() {
  const svg = byId('chart');
  const width = Math.max(200, svg.clientWidth);
  const height = Math.max(80, svg.clientHeight);
  const end = points[points.length - 1].at;
  const top = roundUp(Math.max(10, ...points.map((point) => Math.max(point.published || 0, point.delivered || 0))));
  const x = (at) => (width * (1 - (end - at) / SECONDS_SHOWN)).toFixed(1);
  const y = (value) => (height - (height - 18) * (value / top)).toFixed(1);
  svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
  chart.begin();
  for (const part of [0, 0.5, 1]) {
    const line = chart.get('grid' + part, () => makeSvg('line', { class: 'grid', x1: 0 }));
    setAll(line, { x2: width, y1: y(top * part), y2: y(top * part) });
    const label = chart.get('label' + part, () => makeSvg('text', { x: 2 }));
    label.setAttribute('y', y(top * part) - 4);
    setText(label, part > 0 ? count(top * part) : '');
  }
  for (const [figure, kind] of [['published', 'area'], ['published', 'published'], ['delivered', 'delivered']]) {
    const path = chart.get(kind, () => makeSvg('path', { class: kind, 'clip-path': 'inset(0)' }));
    path.setAttribute('d', pathOf(figure, x, y, kind === 'area'));
  }
  chart.end();
  const now = points[points.length - 1];
  svg.setAttribute('aria-label', 'Now ' + rateText(now.published) + ' messages are published a second, and ' +
    rateText(now.delivered) + ' delivered. The axis ends at ' + exact.format(top) + '.');
}

/* ---- groups ---- */

const groupRows = new Children(document.querySelector('#groups tbody'));

/* How full a ring is. */
const levelOf = (group) =>
  group.waiting > 0 || group.lag >= group.capacity - group.reserve ? 'bad' :
    group.lag > group.capacity / 2 ? 'warn' : '';

/* A group that nothing is posted to and nobody lives in says nothing. */
const isShown = (group, snapshot) =>
  group.posted > 0 || group.delivered > 0 || group.kind !== 1 || snapshot.groups.length === 1;

function groupFlags(group) {
  const flags = [];
  if (group.broken) flags.push('broken');
  if (group.paused) flags.push('paused');
  if (group.ending) flags.push('ending');
  if (group.waiting > 0) flags.push('full');
  return flags;
}

function drawGroup(group, rates) {
  const row = groupRows.get(group.id, () =>
    make('tr', '', nameCell('th'), make('td'), meterCell(''), ...Array.from({ length: 8 }, () => make('td'))));
  const [name, kind, lag, oldest, high, posted, delivered, passes, wakes, held, refused] = row.children;
  setName(name, group.name);
  kind.replaceChildren(make('span', 'chip', GROUP_KINDS[group.kind] || 'kind ' + group.kind),
    ...groupFlags(group).map((flag) => make('span', 'chip bad', flag)));
  setMeter(lag, group.lag / group.capacity, count(group.lag) + ' / ' + count(group.capacity), levelOf(group));
  setNumber(oldest, group.lag_ns, group.lag_ns > 0 ? duration(group.lag_ns) : '0', group.lag_ns > 1e9);
  setNumber(high, group.high_water, count(group.high_water), false);
  setNumber(posted, rates.posted, rateText(rates.posted));
  setNumber(delivered, rates.delivered, rateText(rates.delivered));
  setNumber(passes, rates.passes, rateText(rates.passes));
  /* A loop sleeps in libuv, which counts nothing. */
  setNumber(wakes, rates.wakes, group.kind === 2 ? '–' : rateText(rates.wakes));
  setNumber(held, group.blocked + group.waiting, group.waiting > 0 ? count(group.waiting) + ' now' :
    group.blocked > 0 ? count(group.blocked) + ' × ' + duration(group.blocked_ns / group.blocked) : '0',
  group.waiting > 0);
  setNumber(refused, rates.refused, rateText(rates.refused));
}

function drawGroups(snapshot, rates) {
  groupRows.begin();
  for (const group of snapshot.groups)
    if (isShown(group, snapshot)) drawGroup(group, rates.groups.get(group.id));
  groupRows.end();
}

/* ---- topics and consumers ---- */

const topicRows = new Children(document.querySelector('#topics tbody'));
const consumerRows = new Children(document.querySelector('#consumers tbody'));

const hasRates = (snapshot) => snapshot.interval_ns > 0;

/* Messages a second: each of its groups has counted them. */
const rateOfTopic = (topic) => topic.rate / Math.max(1, topic.in_groups.length);

function drawRate(cell, rate, fastest, snapshot) {
  setMeter(cell, fastest > 0 ? rate / fastest : 0, rateText(hasRates(snapshot) ? rate : null), '');
}

function drawTopics(snapshot) {
  const names = new Map(snapshot.groups.map((group) => [group.id, group.name]));
  const fastest = Math.max(0, ...snapshot.topics.map(rateOfTopic));
  topicRows.begin();
  for (const topic of snapshot.topics) {
    const row = topicRows.get(topic.id, () =>
      make('tr', '', nameCell('th'), meterCell('rate'), make('td'), make('td'), make('td')));
    const [name, rate, events, consumers, groups] = row.children;
    setName(name, topic.name);
    drawRate(rate, rateOfTopic(topic), fastest, snapshot);
    setNumber(events, topic.passed, count(topic.passed));
    setNumber(consumers, topic.consumers, count(topic.consumers));
    groups.replaceChildren(...topic.in_groups.map(([id, number]) =>
      make('span', 'chip', (names.get(id) || '?') + (number > 1 ? ' × ' + number : ''))));
  }
  topicRows.end();
  byId('topics-section').hidden = snapshot.topics.length === 0;
  setText(byId('topics-note'), snapshot.bus.topics > snapshot.topics.length ?
    'the ' + snapshot.topics.length + ' fastest of ' + exact.format(snapshot.bus.topics) :
    'a message is taken up once by each group');
}

function drawConsumers(snapshot) {
  const names = new Map(snapshot.topics.map((topic) => [topic.id, topic.name]));
  const fastest = Math.max(0, ...snapshot.consumers.map((consumer) => consumer.rate));
  consumerRows.begin();
  for (const consumer of snapshot.consumers) {
    const row = consumerRows.get(consumer.id, () =>
      make('tr', '', nameCell('th'), nameCell('td'), nameCell('td'), meterCell('rate'),
        ...Array.from({ length: 4 }, () => make('td'))));
    const [name, group, topics, rate, calls, pending, failed, patterns] = row.children;
    setName(name, consumer.name);
    setName(group, consumer.group);
    drawRate(rate, consumer.rate, fastest, snapshot);
    setNumber(calls, consumer.delivered, count(consumer.delivered));
    setNumber(pending, consumer.pending, consumer.pending < 0 ? 'many' : count(consumer.pending));
    setNumber(failed, consumer.failed, count(consumer.failed), consumer.failed > 0);
    setName(topics, consumer.registrations === 1 && names.has(consumer.first_topic) ?
      names.get(consumer.first_topic) : plural(consumer.registrations, 'topic'));
    setNumber(patterns, consumer.patterns, count(consumer.patterns));
  }
  consumerRows.end();
  byId('consumers-section').hidden = snapshot.consumers.length === 0;
  setText(byId('consumers-note'), snapshot.bus.consumers > snapshot.consumers.length ?
    'the ' + snapshot.consumers.length + ' busiest of ' + exact.format(snapshot.bus.consumers) :
    'here each is one subscription of a client');
}

/* ---- topology ---- */

const topology = new Children(byId('topology'));
const BOX = { height: 30, gap: 10, topicX: 260, topicWidth: 280, groupX: 680, groupWidth: 220 };

/* Cut between characters, not within one. */
function shorten(name, most) {
  const characters = Array.from(name);
  return characters.length > most ? characters.slice(0, most - 1).join('') + '…' : name;
}

function drawLabel(key, x, y, text, className, title) {
  const label = topology.get(key, () => makeSvg('text', { class: className }));
  setAll(label, { x, y: y + 5, class: className });
  if (title === undefined) setText(label, text);
  else if (label.dataset.title !== title) {
    const tooltip = makeSvg('title');
    tooltip.textContent = title;
    label.dataset.title = title;
    label.replaceChildren(document.createTextNode(text), tooltip);
  }
}

function drawBox(key, x, y, width) {
  setAll(topology.get(key, () => makeSvg('rect', { class: 'box', rx: 6 })),
    { x, y: y - BOX.height / 2, width, height: BOX.height });
}

function drawEdge(key, x1, y1, x2, y2, rate, fastest) {
  const middle = (x1 + x2) / 2;
  const part = fastest > 0 ? Math.log1p(rate) / Math.log1p(fastest) : 0;
  setAll(topology.get(key, () => makeSvg('path')), {
    d: 'M' + x1 + ' ' + y1 + 'C' + middle + ' ' + y1 + ' ' + middle + ' ' + y2 + ' ' + x2 + ' ' + y2,
    class: rate > 0 ? 'busy' : '',
    'stroke-width': (1.2 + 4 * part).toFixed(1),
  });
}

/* Where the middles of `number` boxes are in a column of this height. */
function places(number, height) {
  const step = BOX.height + BOX.gap;
  const first = (height - (number - 1) * step) / 2;
  return Array.from({ length: number }, (_, index) => first + index * step);
}

function drawTopologyGroup(group, y) {
  const level = levelOf(group);
  drawBox('group' + group.id, BOX.groupX, y, BOX.groupWidth);
  setAll(topology.get('lag' + group.id, () => makeSvg('rect', { rx: 6 })), {
    class: 'lag ' + level, x: BOX.groupX, y: y - BOX.height / 2, height: BOX.height,
    width: (BOX.groupWidth * Math.min(1, group.lag / group.capacity)).toFixed(1),
  });
  drawLabel('group name' + group.id, BOX.groupX + 12, y, shorten(group.name, 16), '', group.name);
  drawLabel('group lag' + group.id, BOX.groupX + BOX.groupWidth - 12, y, 'lag ' + count(group.lag), 'faint end');
}

/* Longer than a channel's name may be: the server posts to it. */
const isOwn = (topic) => topic.name.length > 255;

function drawTopology(snapshot, rates) {
  const topics = snapshot.topics.slice(0, TOPICS_DRAWN);
  const used = new Set(topics.flatMap((topic) => topic.in_groups.map(([id]) => id)));
  const groups = snapshot.groups.filter((group) => used.has(group.id) || isShown(group, snapshot));
  const height = Math.max(topics.length, groups.length, 2) * (BOX.height + BOX.gap) + 10;
  const topicY = places(topics.length, height);
  const groupY = new Map(places(groups.length, height).map((y, index) => [groups[index].id, y]));
  const fastest = Math.max(0, ...topics.map(rateOfTopic));

  byId('topology-section').hidden = topics.length === 0;
  byId('topology').setAttribute('viewBox', '0 0 900 ' + height);
  topology.begin();
  topics.forEach((topic, index) => {
    if (!isOwn(topic))
      drawEdge('in' + topic.id, 150, height / 2, BOX.topicX, topicY[index], rateOfTopic(topic), fastest);
    for (const [id] of topic.in_groups)
      drawEdge('out' + topic.id + ' ' + id, BOX.topicX + BOX.topicWidth, topicY[index], BOX.groupX, groupY.get(id),
        rateOfTopic(topic), fastest);
  });
  drawBox('publishers', 0, height / 2, 150);
  drawLabel('publishers name', 12, height / 2, 'publishers', '');
  drawLabel('publishers rate', 138, height / 2, rateText(rates.published) + '/s', 'faint end');
  topics.forEach((topic, index) => {
    drawBox('topic' + topic.id, BOX.topicX, topicY[index], BOX.topicWidth);
    drawLabel('topic name' + topic.id, BOX.topicX + 12, topicY[index], shorten(visible(topic.name), 24), '',
      visible(topic.name));
    drawLabel('topic rate' + topic.id, BOX.topicX + BOX.topicWidth - 12, topicY[index],
      rateText(hasRates(snapshot) ? rateOfTopic(topic) : null) + '/s', 'faint end');
  });
  for (const group of groups) drawTopologyGroup(group, groupY.get(group.id));
  topology.end();
  setText(byId('topology-note'), 'from who publishes, by topic, to the groups' +
    (snapshot.bus.topics > topics.length ?
      '; the ' + topics.length + ' fastest of ' + plural(snapshot.bus.topics, 'topic') : ''));
}

/* ---- a snapshot ---- */

let before = null;
let latest = null;
let isPaused = false;

function drawEmpty(snapshot) {
  const isEmpty = snapshot.server.subscriptions === 0;
  byId('empty').hidden = !isEmpty;
  setText(byId('try-subscribe'), 'redis-cli -p ' + snapshot.port + ' subscribe news');
  setText(byId('try-publish'), 'redis-cli -p ' + snapshot.port + " publish news 'hello, world'");
}

function draw({ snapshot, rates }) {
  setText(byId('version'), snapshot.version);
  drawTiles(snapshot, rates);
  drawChart();
  drawGroups(snapshot, rates);
  drawEmpty(snapshot);
  drawTopology(snapshot, rates);
  drawTopics(snapshot);
  drawConsumers(snapshot);
  document.title = (rates.published === null ? '' : rateText(rates.published) + '/s – ') + 'ringbus';
}

function onSnapshot(snapshot) {
  snapshot.topics.sort((one, other) => rateOfTopic(other) - rateOfTopic(one) || other.passed - one.passed);
  const rates = compare(snapshot, before);
  before = snapshot;
  remember(snapshot, rates);
  latest = { snapshot, rates };
  if (!isPaused) draw(latest);
}

/* ---- the connection ---- */

const state = byId('state');
let source = null;
let heardAt = 0;

function setState(name, text) {
  if (state.dataset.state !== name) state.dataset.state = name;
  setText(state, text);
  document.body.classList.toggle('stale', name === 'lost');
}

function connect() {
  source = new EventSource('/events');
  source.onmessage = (event) => {
    heardAt = Date.now();
    onSnapshot(JSON.parse(event.data));
    setState('live', isPaused ? 'paused' : 'live');
  };
  source.onerror = () => {
    before = null;
    setState('lost', 'the server is gone; trying again');
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

/* A bus with very many subscriptions is looked at less often. */
const patienceMs = () => Math.max(SILENCE_MS, SILENCE_INTERVALS * (latest ? latest.interval_ns / 1e6 : 0));

setInterval(() => {
  if (state.dataset.state === 'live' && Date.now() - heardAt > patienceMs()) setState('lost', 'the server says nothing');
}, 1000);

byId('pause').addEventListener('click', () => {
  isPaused = !isPaused;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  if (!isPaused && latest) draw(latest);
  if (state.dataset.state === 'live') setState('live', isPaused ? 'paused' : 'live');
});
window.addEventListener('resize', () => {
  if (latest) drawChart();
});
connect();
