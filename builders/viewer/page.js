"use strict";
// Everything that a model wrote reaches the page as textContent, never as markup.

const ROW = 62, SHORT = 420, MOST_COLOURS = 8;
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7fd1", "#a0841c"];
const OTHER = "#8c98a4";
const ACCEPTED = "accepted";

const at = (id) => document.getElementById(id);
const filters = at("filters");
let entries = [], shown = [], selected = -1, pagesOfTraces = new Map(), facts = {};

async function unpack(id) {
  const bytes = Uint8Array.from(atob(at(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function counted(values) {
  const counts = new Map();
  for (const value of values) if (value) counts.set(value, (counts.get(value) || 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

// Filters

function fillFilters() {
  for (const name of ["status", "method", "genre", "persona"]) {
    const choice = filters.elements[name];
    choice.append(make("option", "all", { value: "" }));
    for (const [value, count] of counted(entries.map((entry) => entry[name]))) {
      choice.append(make("option", `${value} (${count})`, { value }));
    }
  }
  filters.elements.status.value = ACCEPTED;
}

function applyFilters() {
  const wanted = filters.elements.search.value.trim().toLowerCase();
  const exact = ["status", "method", "genre", "persona"].filter((name) => filters.elements[name].value);
  shown = [];
  entries.forEach((entry, number) => {
    if (exact.some((name) => entry[name] !== filters.elements[name].value)) return;
    if (wanted && !entry.text.toLowerCase().includes(wanted)) return;
    shown.push(number);
  });
  at("count").textContent = `${shown.length.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
  at("rows").style.height = `${shown.length * ROW}px`;
  at("list").scrollTop = 0;
  drawRows();
  drawMap();
}

// The list: only the rows in sight are in the document

function drawRows() {
  const list = at("list"), rows = at("rows");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
  const drawn = [];
  for (let place = first; place < last; place += 1) {
    const entry = entries[shown[place]];
    const row = make("div", undefined, {
      class: "row", role: "option", id: `row-${shown[place]}`,
      "aria-selected": String(shown[place] === selected),
    });
    row.style.top = `${place * ROW}px`;
    row.append(make("b", heading(entry)), make("span", below(entry)));
    row.addEventListener("click", () => select(shown[place]));
    drawn.push(row);
  }
  rows.replaceChildren(...drawn);
}

const heading = (entry) => entry.summary || entry.text.slice(0, 140) || entry.id;

function below(entry) {
  const parts = [entry.status === ACCEPTED ? "" : entry.status, entry.genre, entry.persona];
  if (entry.text) parts.push(`${entry.words} words`);
  return parts.filter(Boolean).join(" · ");
}

function select(number, { reveal = false } = {}) {
  selected = number;
  if (reveal) {
    if (!shown.includes(number)) { filters.reset(); filters.elements.status.value = ""; applyFilters(); }
    at("list").scrollTop = Math.max(0, shown.indexOf(number) * ROW - at("list").clientHeight / 2);
  }
  history.replaceState(null, "", `#${encodeURIComponent(entries[number].id)}`);
  at("list").setAttribute("aria-activedescendant", `row-${number}`);
  drawRows();
  drawMap();
  return showEntry(number);
}

// One entry with its neighbours and its trace

async function showEntry(number) {
  const entry = entries[number], page = at("entry");
  const told = make("dl");
  const lines = {
    outcome: entry.detail ? `${entry.status}: ${entry.detail}` : entry.status,
    method: entry.method, genre: entry.genre, persona: entry.persona, keywords: entry.keywords.join(", "),
    summary: entry.summary, ...entry.origin, trajectory: String(entry.trajectory), length: entry.text && `${entry.words} words`,
  };
  for (const [name, value] of Object.entries(lines)) if (value) told.append(make("dt", name), make("dd", value));
  const text = entry.text || "This attempt brought no document; the trace shows its drafts.";
  page.replaceChildren(make("h2", entry.id), told, make("div", text, { class: "text" }));
  if (entry.near.length) {
    page.append(make("h3", "Most similar"));
    for (const [other, similarity] of entry.near) page.append(neighbour(other, similarity));
  }
  const trace = make("div", undefined, { id: "trace" });
  page.append(make("h3", `Trace: ${entry.calls} calls`), trace);
  page.scrollTop = 0;
  const calls = (await tracesOf(entry.pack))[number - entry.first];
  if (selected === number) drawTrace(trace, calls);
}

function neighbour(number, similarity) {
  const button = make("button", undefined, { class: "neighbour", type: "button" });
  button.append(make("i", similarity.toFixed(3)), make("span", heading(entries[number])));
  button.addEventListener("click", () => select(number, { reveal: true }));
  return button;
}

async function tracesOf(pack) {
  if (!pagesOfTraces.has(pack)) pagesOfTraces.set(pack, unpack(`traces-${pack}`));
  return pagesOfTraces.get(pack);
}

function drawTrace(trace, calls) {
  const depths = [];
  calls.forEach((call, number) => {
    depths[number] = call.parent === null ? 0 : (depths[call.parent] || 0) + 1;
    const box = make("div", undefined, { class: "call" });
    box.style.marginLeft = `${depths[number] * 22}px`;
    const head = make("header");
    head.append(make("b", call.role), ` ${call.prompt_tokens} + ${call.completion_tokens} tokens, ${call.latency_s.toFixed(1)} s`);
    box.append(head, told(call.instruction), make("div", call.output, { class: "said" }));
    trace.append(box);
  });
}

function told(instruction) {
  const whole = make("div", instruction, { class: "told" });
  if (instruction.length <= SHORT) return whole;
  const folded = make("details");
  folded.append(make("summary", `${instruction.slice(0, 160).replace(/\s+/g, " ")} ...`), whole);
  return folded;
}

// The map

let places = [];

function colouring() {
  const field = at("colour").value;
  const found = counted(entries.filter((entry) => entry.place).map((entry) => String(entry[field])));
  const colours = new Map(found.slice(0, MOST_COLOURS).map(([value], rank) => [value, COLOURS[rank]]));
  return { colour: (entry) => colours.get(String(entry[field])) || OTHER, colours, others: found.length > MOST_COLOURS };
}

function drawMap() {
  if (at("map").hidden) return;
  const canvas = at("canvas"), scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight, margin = 16;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const { colour, colours, others } = colouring(), wanted = new Set(shown);
  places = [];
  const draw = (number, alpha, radius) => {
    const entry = entries[number];
    const x = margin + entry.place[0] * (width - 2 * margin), y = margin + entry.place[1] * (height - 2 * margin);
    pen.globalAlpha = alpha;
    pen.fillStyle = colour(entry);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.fill();
    return [x, y, number];
  };
  entries.forEach((entry, number) => { if (entry.place && !wanted.has(number)) draw(number, 0.12, 3); });
  for (const number of shown) if (entries[number].place) places.push(draw(number, 0.8, 4));
  if (selected >= 0 && entries[selected].place) {
    const [x, y] = draw(selected, 1, 6);
    pen.strokeStyle = getComputedStyle(document.body).color;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x, y, 9, 0, 7);
    pen.stroke();
  }
  const items = [...colours].map(([value, tone]) => legend(value, tone));
  if (others) items.push(legend("others", OTHER));
  at("legend").replaceChildren(...items);
}

function legend(value, tone) {
  const item = make("li"), dot = make("i");
  dot.style.background = tone;
  item.append(dot, value);
  return item;
}

function nearest(event) {
  let best = -1, least = 14 ** 2;
  for (const [x, y, number] of places) {
    const distance = (x - event.offsetX) ** 2 + (y - event.offsetY) ** 2;
    if (distance < least) [least, best] = [distance, number];
  }
  return best;
}

function hover(event) {
  const number = nearest(event), tip = at("tip");
  tip.hidden = number < 0;
  if (number < 0) return;
  tip.textContent = `${heading(entries[number])} (${below(entries[number])})`;
  tip.style.left = `${Math.min(event.offsetX + 14, at("canvas").clientWidth - 310)}px`;
  tip.style.top = `${event.offsetY + 14}px`;
}

// Metrics over time

function drawCharts() {
  at("charts").replaceChildren(...facts.courses.map(chart));
}

function chart({ name, more_diverse: direction, values }) {
  const figure = make("figure"), caption = make("figcaption", name);
  caption.append(make("span", ` · ${direction} is more diverse`));
  const width = 360, height = 170, left = 48, bottom = 24, top = 12, right = 10;
  const low = Math.min(...values), high = Math.max(...values), span = high - low || Math.abs(high) || 1;
  const x = (part) => left + (part + 0.5) / values.length * (width - left - right);
  const y = (value) => top + (1 - (value - low + span * 0.05) / (span * 1.1)) * (height - top - bottom);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const add = (tag, attributes, text) => {
    const element = document.createElementNS(svg.namespaceURI, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    svg.append(element);
  };
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${name}: ${values.map((value) => value.toPrecision(3)).join(", ")}`);
  for (const value of low === high ? [low] : [low, high]) {
    add("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "axis" });
    add("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(3));
  }
  add("polyline", { points: values.map((value, part) => `${x(part)},${y(value)}`).join(" "), class: "line" });
  values.forEach((value, part) => add("circle", { cx: x(part), cy: y(value), r: 3, class: "dot" }));
  add("text", { x: left, y: height - 6 }, "first documents");
  add("text", { x: width - right, y: height - 6, "text-anchor": "end" }, "last documents");
  figure.append(caption, svg);
  return figure;
}

// Beginning

function view(name) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.view === name;
    tab.setAttribute("aria-selected", String(chosen));
    at(tab.dataset.view).hidden = !chosen;
  }
  drawRows();
  drawMap();
}

async function begin() {
  facts = await unpack("facts");
  for (let pack = 0; pack < facts.packs; pack += 1) entries.push(...await unpack(`entries-${pack}`));
  fillFilters();
  applyFilters();
  drawCharts();
  const named = decodeURIComponent(location.hash.slice(1));
  const number = entries.findIndex((entry) => entry.id === named);
  if (entries.length) await select(number >= 0 ? number : 0, { reveal: number >= 0 });
  document.body.dataset.ready = "yes";
}

filters.addEventListener("input", applyFilters);
filters.addEventListener("submit", (event) => event.preventDefault());
at("list").addEventListener("scroll", drawRows);
at("list").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !shown.length) return;
  event.preventDefault();
  const place = Math.min(Math.max(shown.indexOf(selected) + step, 0), shown.length - 1);
  select(shown[place]);
  const list = at("list");
  if (place * ROW < list.scrollTop) list.scrollTop = place * ROW;
  if ((place + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (place + 1) * ROW - list.clientHeight;
});
for (const tab of document.querySelectorAll("[role=tab]")) tab.addEventListener("click", () => view(tab.dataset.view));
at("colour").addEventListener("change", drawMap);
at("canvas").addEventListener("mousemove", hover);
at("canvas").addEventListener("mouseleave", () => { at("tip").hidden = true; });
at("canvas").addEventListener("click", (event) => {
  const number = nearest(event);
  if (number >= 0) { view("documents"); select(number, { reveal: true }); }
});
window.addEventListener("resize", () => { drawRows(); drawMap(); });
begin();
