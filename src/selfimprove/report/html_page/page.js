"use strict";
// The page of an audit. All names and messages come from the repository: they are set as text, never as markup.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

// ---- small words ---------------------------------------------------------------------------------------------

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const el = (tag, attributes, ...children) => put(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  put(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const number = (value) => (value === null || value === undefined ? "" : typeof value === "number" ? plain.format(value) : value);
const count = (amount, noun) => `${short.format(amount)} ${noun}${amount === 1 ? "" : "s"}`;
const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "±") + plain.format(Math.abs(value));
const percent = (value) => (value === null ? "" : `${short.format(value)}%`);
const day = (seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 10));
const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);
const breaking = (path) => path.split(/(?<=[/:])/).flatMap((part) => [part, el("wbr")]);  // a long path breaks at its slashes
const base = (path) => path.slice(path.lastIndexOf("/") + 1);

// ---- what there is -------------------------------------------------------------------------------------------

const files = data.rows.map((row) => Object.fromEntries(data.columns.map((name, at) => [name, row[at]])));
const byPath = new Map(files.map((file) => [file.path, file]));
for (const file of files) file.findings = 0;
for (const finding of data.findings) {
  const file = byPath.get(finding.path);
  finding.file = file || null;
  if (file) file.findings += 1;
}
const hasHistory = files.some((file) => file.heat > 0);
const hasCoverage = files.some((file) => file.coverage !== null);
const owned = (file) => (file && file.owner ? `${file.owner} ${percent(file.share * 100)}` : "");

// ---- the tooltip ---------------------------------------------------------------------------------------------

const tip = $("tip");
function showTip(title, pairs, x, y) {
  tip.replaceChildren(el("b", {}, title), el("dl", {}, pairs.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat()));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const right = x + 16 + box.width > window.innerWidth ? x - 16 - box.width : x + 16;
  const below = y + 16 + box.height > window.innerHeight ? y - 12 - box.height : y + 16;
  tip.style.left = `${Math.max(6, right)}px`;
  tip.style.top = `${Math.max(6, below)}px`;
}
const hideTip = () => { tip.hidden = true; };
window.addEventListener("scroll", hideTip, { passive: true });

function facts(file) {
  const pairs = [["lines", short.format(file.lines)], ["complexity", number(file.complexity) + (file.change ? ` (${signed(file.change)})` : "")],
    ["worst function", number(file.worst)], ["maintainability", `${number(Math.round(file.maintainability))} (${file.rank})`]];
  if (hasHistory) pairs.push(["heat", short.format(file.heat)], ["commits", number(file.commits)]);
  if (file.owner) pairs.push(["owner", owned(file)]);
  if (file.coverage !== null) pairs.push(["coverage", percent(file.coverage)]);
  if (file.findings) pairs.push(["findings", number(file.findings)]);
  return pairs;
}

// ---- totals --------------------------------------------------------------------------------------------------

function figure(name, value, detail, isText) {
  $("totals").append(el("div", { class: "figure" }, el("p", { class: "name" }, name),
    el("p", { class: isText ? "number text" : "number", title: isText ? value : null }, value), el("p", { class: "detail" }, detail)));
}
const severities = [["error", 3], ["warning", 2], ["note", 1]]
  .map(([word, rank]) => ({ word, rank, amount: data.findings.filter((finding) => finding.rank === rank).length }));

function drawTotals() {
  const kinds = severities.filter((kind) => kind.amount).map((kind) => count(kind.amount, kind.word));
  figure("Findings", short.format(data.findings.length), kinds.join(", ") || "everything is within its limits");
  const lines = sum(files, (file) => file.lines);
  figure("Files measured", short.format(data.files), lines ? count(lines, "line") : "");
  if (data.trend && data.trend.total.length > 1) {
    const known = data.trend.total.filter((value) => value !== null);
    if (known.length) figure(`Total ${data.trend.metric}`, number(Math.round(known.at(-1) * 100) / 100),
      `${signed(known.at(-1) - known[0])} in ${count(data.trend.revisions.length, "revision")}`);
  } else if (files.length) figure("Complexity", short.format(sum(files, (file) => file.complexity)), `worst function ${Math.max(...files.map((file) => file.worst))}`);
  const covered = files.filter((file) => file.coverage !== null);
  if (covered.length) figure("Coverage", percent(sum(covered, (file) => file.coverage * file.lines) / Math.max(1, sum(covered, (file) => file.lines))),
    `of lines, in ${count(covered.length, "file")}`);
  const hottest = files.reduce((most, file) => (most === null || file.heat > most.heat ? file : most), null);
  if (hasHistory) figure("Hottest file", base(hottest.path), `complexity ${number(hottest.complexity)}, ${count(hottest.commits, "commit")}`, true);
  for (const note of data.notes) $("notes").append(el("p", {}, note));
  $("notes").hidden = !data.notes.length;
}

// ---- the map: a squarified treemap (Bruls, Huizing and van Wijk, 2000) ---------------------------------------

// Nine shades; a tile's is the last whose threshold its value reaches.
const COLOURS = [
  { name: "Heat", of: (file) => file.heat, steps: [0, 1, 4, 9, 16, 28, 44, 60, 78], ends: ["cool", "hot"], show: hasHistory },
  { name: "Complexity", of: (file) => file.worst, steps: [0, 4, 7, 10, 13, 16, 21, 31, 51], ends: ["simple", "complex"], show: true },
  { name: "Maintainability", of: (file) => 100 - file.maintainability, steps: [0, 25, 40, 50, 60, 70, 76, 81, 91], ends: ["good", "poor"], show: true },
  { name: "Coverage", of: (file) => (file.coverage === null ? null : 100 - file.coverage), steps: [0, 1, 10, 20, 30, 45, 60, 80, 99.9], ends: ["tested", "untested"], show: hasCoverage },
].filter((colour) => colour.show);
let colour = COLOURS[0];
const shade = (value) => (value === null ? "qx" : `q${colour.steps.findLastIndex((step) => value >= step)}`);

function grow(list) {
  const root = { name: "", path: "", kids: new Map(), above: null };
  for (const file of list) {
    let at = root;
    for (const part of file.path.split("/").slice(0, -1)) {
      if (!at.kids.has(part + "/")) at.kids.set(part + "/", { name: part, path: `${at.path}${part}/`, kids: new Map(), above: at });
      at = at.kids.get(part + "/");
    }
    at.kids.set(base(file.path), { name: base(file.path), path: file.path, file, above: at });
  }
  return weigh(root);
}
function weigh(node) {
  if (node.file) { node.size = Math.max(1, node.file.lines); node.lines = node.file.lines; node.files = [node.file]; return node; }
  node.kids = [...node.kids.values()].map(weigh).sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
  while (node.kids.length === 1 && !node.kids[0].file) {  // src/ that holds but one folder: src/package
    const only = node.kids[0];
    Object.assign(node, { name: node.name ? `${node.name}/${only.name}` : only.name, path: only.path, kids: only.kids });
  }
  for (const kid of node.kids) kid.above = node;
  node.size = sum(node.kids, (kid) => kid.size);
  node.lines = sum(node.kids, (kid) => kid.lines);
  node.files = node.kids.flatMap((kid) => kid.files);
  return node;
}

function squarify(kids, box, place) {
  let { x, y, w, h } = box;
  const scale = (w * h) / Math.max(1, sum(kids, (kid) => kid.size));
  for (let at = 0; at < kids.length;) {
    const side = Math.min(w, h), first = kids[at].size * scale;
    let area = 0, best = Infinity, end = at;
    for (; end < kids.length; end++) {  // a row grows while its worst tile becomes squarer
      const own = kids[end].size * scale, all = area + own;
      const worst = Math.max((side * side * first) / (all * all), (all * all) / (side * side * own));
      if (worst > best) break;
      best = worst; area = all;
    }
    const thick = side > 0 ? area / side : 0;
    let along = 0;
    for (const kid of kids.slice(at, end)) {
      const length = thick > 0 ? (kid.size * scale) / thick : 0;
      place(kid, w >= h ? { x, y: y + along, w: thick, h: length } : { x: x + along, y, w: length, h: thick });
      along += length;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    at = end;
  }
}

const root = grow(files);
let folder = root, picked = null, shown = [];

function label(text, box, bold) {
  const room = Math.floor((box.w - 8) / (bold ? 6.7 : 6.2));
  if (room < 3 || box.h < 15) return null;
  return svg("text", { x: box.x + 4, y: box.y + 12, "aria-hidden": "true" }, text.length > room ? `${text.slice(0, Math.max(2, room - 1))}…` : text);
}
function describe(node) {
  if (node.file) return `${node.path}: ${facts(node.file).map(([name, value]) => `${name} ${value}`).join(", ")}`;
  return `folder ${node.path}: ${count(node.files.length, "file")}, ${count(node.lines, "line")}`;
}
function tile(node, box, kind) {
  const hottest = node.file || node.files.reduce((a, b) => ((colour.of(b) ?? -1) > (colour.of(a) ?? -1) ? b : a));
  const look = kind === "folder" ? "tile folder" : `tile ${shade(colour.of(hottest))}`;
  // The rectangle is the button: its name is whole, and the shortened text beside it is for eyes only.
  const button = svg("rect", { x: box.x, y: box.y, width: Math.max(0, box.w), height: Math.max(0, box.h), role: "button", tabindex: -1,
    "aria-label": describe(node), "aria-pressed": node.file ? String(node === picked) : null });
  shown.push({ node, box, button });
  return svg("g", { class: look }, button, label(node.name, box, kind === "folder"));
}
function plant(node, box, depth, into) {
  if (box.w < 1 || box.h < 1) return;  // no one could see it; the table of files has it
  if (node.file) { into.append(tile(node, box, "file")); return; }
  const isRoot = depth === 0, pad = isRoot ? 0 : 2, head = isRoot ? 0 : 16;
  if (!isRoot && (box.w < 26 || box.h < 34)) { into.append(tile(node, box, "closed")); return; }
  if (!isRoot) into.append(tile(node, box, "folder"));
  squarify(node.kids, { x: box.x + pad, y: box.y + head, w: box.w - 2 * pad, h: box.h - head - pad }, (kid, room) => plant(kid, room, depth + 1, into));
}
function drawMap() {
  const width = Math.max(280, Math.floor($("tiles").clientWidth)), height = Math.round(Math.min(560, Math.max(360, width * 0.5)));
  const active = shown.findIndex((one) => one.button === document.activeElement);
  shown = [];
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Map of the files; the table of files below has the same numbers" });
  plant(folder, { x: 0, y: 0, w: width, h: height }, 0, picture);
  $("tiles").replaceChildren(picture);
  if (shown.length) shown[0].button.setAttribute("tabindex", 0);
  if (active >= 0 && shown.length) focusTile(shown[0]);
  drawCrumbs();
}
function drawCrumbs() {
  const trail = [];
  for (let at = folder; at; at = at.above) trail.unshift(at);
  $("crumbs").replaceChildren(...trail.map((at, index) => {
    const name = at.name || "all files", sign = index ? el("span", {}, " / ") : null;
    return el("span", {}, sign, at === folder ? el("b", {}, name) : el("button", { type: "button", onclick: () => zoom(at) }, name));
  }), el("span", {}, `  ${count(folder.files.length, "file")}, ${count(folder.lines, "line")}`));
}
function drawColours() {
  $("colours").replaceChildren(...COLOURS.map((one) => el("button", { type: "button", "aria-pressed": String(one === colour),
    onclick: () => { colour = one; drawColours(); drawMap(); } }, one.name)));
  const bars = colour.steps.map((_, at) => svg("g", { class: `q${at}` }, svg("rect", { x: at * 16, y: 0, width: 16, height: 10 })));
  $("legend").replaceChildren(colour.ends[0], svg("svg", { width: 144, height: 10, "aria-hidden": "true" }, bars), colour.ends[1]);
}
function zoom(to) { folder = to; hideTip(); drawMap(); }
function act(node) {  // a folder opens; a file opens the folder that it is in, and once there it is picked
  let at = node;
  while (at.above && at.above !== folder) at = at.above;
  if (!at.file && at !== folder) { zoom(at); if (shown.length) focusTile(shown[0]); return; }
  if (node.file) pick(node);
}
function pick(node) {
  picked = picked === node ? null : node;
  for (const one of shown) if (one.node.file) one.button.setAttribute("aria-pressed", String(one.node === picked));
  $("picked").replaceChildren();
  if (!picked) return;
  $("picked").append(el("b", { class: "mono" }, node.path), el("span", { class: "quiet" }, `  ${facts(node.file).map(([name, value]) => `${name} ${value}`).join(", ")}  `));
  if (node.file.findings) $("picked").append(el("button", { type: "button", onclick: () => { $("search").value = node.path; refilter(); $("findings").scrollIntoView(); } }, `Show ${node.file.findings === 1 ? "its finding" : `its ${node.file.findings} findings`}`));
}
function focusTile(one) {
  for (const other of shown) other.button.setAttribute("tabindex", -1);
  one.button.setAttribute("tabindex", 0);
  one.button.focus({ preventScroll: true });
}
function beside(from, key) {  // the nearest tile whose middle lies in that direction
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const middle = (box, isFolder) => [box.x + box.w / 2, isFolder ? box.y + 8 : box.y + box.h / 2];
  const [x, y] = middle(from.box, !from.node.file);
  let best = null, least = Infinity;
  for (const one of shown) {
    const [ox, oy] = middle(one.box, !one.node.file), ahead = (ox - x) * dx + (oy - y) * dy, aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (one !== from && ahead > 0.5 && ahead + 2 * aside < least) { least = ahead + 2 * aside; best = one; }
  }
  return best;
}
const tileOf = (event) => shown.find((one) => one.button === event.target);
function tipFor(one, x, y) {
  const node = one.node;
  if (node.file) showTip(node.path, facts(node.file), x, y);
  else showTip(node.path, [["files", short.format(node.files.length)], ["lines", short.format(node.lines)], ["complexity", short.format(sum(node.files, (file) => file.complexity))],
    ["findings", short.format(sum(node.files, (file) => file.findings))]], x, y);
}
function listenToMap() {
  const tiles = $("tiles");
  tiles.addEventListener("click", (event) => { const one = tileOf(event); if (one) act(one.node); });
  tiles.addEventListener("pointermove", (event) => { const one = event.pointerType === "mouse" && tileOf(event); if (one) tipFor(one, event.clientX, event.clientY); else hideTip(); });
  tiles.addEventListener("pointerleave", hideTip);
  tiles.addEventListener("focusin", (event) => { const one = tileOf(event); if (one && one.button.matches(":focus-visible")) { const box = one.button.getBoundingClientRect(); tipFor(one, box.left + 20, box.top + 20); } });
  tiles.addEventListener("focusout", hideTip);
  tiles.addEventListener("keydown", (event) => {
    const one = tileOf(event);
    if (!one) return;
    if (event.key === "Enter" || event.key === " ") act(one.node);
    else if ((event.key === "Escape" || event.key === "Backspace") && folder.above) { zoom(folder.above); if (shown.length) focusTile(shown[0]); }
    else if (event.key.startsWith("Arrow")) { const next = beside(one, event.key); if (next) focusTile(next); }
    else return;
    event.preventDefault();
  });
  let width = tiles.clientWidth;
  new ResizeObserver(() => { if (tiles.clientWidth !== width) { width = tiles.clientWidth; requestAnimationFrame(drawMap); } }).observe(tiles);
}

// ---- trends --------------------------------------------------------------------------------------------------

const rounded = (low, high, wanted) => {  // round numbers between low and high, about as many as wanted
  const raw = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
  const marks = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-6; at += step) marks.push(Math.round(at * 1e6) / 1e6);
  return marks;
};
function chart(values, width, height, name, small) {
  const known = values.map((value, at) => [at, value]).filter(([, value]) => value !== null);
  const low = Math.min(...known.map(([, value]) => value)), high = Math.max(...known.map(([, value]) => value));
  const slack = (high - low) * 0.12 || Math.max(1, high * 0.05);
  const bottom = Math.max(low >= 0 ? 0 : -Infinity, low - slack), top = high + slack;
  const edge = small ? { l: 2, r: 5, t: 4, b: 4 } : { l: 44, r: 12, t: 8, b: 24 };
  const x = (at) => edge.l + (values.length > 1 ? (at / (values.length - 1)) * (width - edge.l - edge.r) : 0);
  const y = (value) => height - edge.b - ((value - bottom) / (top - bottom)) * (height - edge.t - edge.b);
  let pen = "", before = null;
  for (const [at, value] of known) { pen += `${before === at - 1 ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`; before = at; }
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: 0, "aria-label": `${name}: ${ends(values)} over ${count(values.length, "revision")}; arrow keys read the values` });
  if (!small) {
    for (const mark of rounded(bottom, top, 4)) picture.append(svg("line", { class: "grid", x1: edge.l, x2: width - edge.r, y1: y(mark), y2: y(mark) }),
      svg("text", { class: "axis", x: edge.l - 8, y: y(mark) + 4, "text-anchor": "end" }, plain.format(mark)));
    const times = data.trend.revisions, last = times.length - 1;
    for (const [at, anchor] of last > 0 ? [[0, "start"], ...(width > 520 ? [[Math.round(last / 2), "middle"]] : []), [last, "end"]] : [[0, "start"]])
      picture.append(svg("text", { class: "axis", x: x(at), y: height - 6, "text-anchor": anchor }, day(times[at].time)));
    // An area is honest only from zero on.
    if (bottom === 0 && known.length > 1 && known.length === values.length) picture.append(svg("path", { class: "area", d: `${pen}L${x(known.at(-1)[0])} ${height - edge.b}L${x(known[0][0])} ${height - edge.b}Z` }));
  }
  picture.append(svg("path", { class: "curve", d: pen }));
  if (known.length) picture.append(svg("circle", { class: "end", cx: x(known.at(-1)[0]), cy: y(known.at(-1)[1]), r: small ? 2.5 : 3.5 }));
  cross(picture, values, { x, y, width, height, edge, name });
  return el("div", { class: "chart" }, picture);
}
function cross(picture, values, { x, y, width, height, edge, name }) {
  const line = svg("line", { class: "cross", y1: edge.t, y2: height - edge.b, visibility: "hidden" }), mark = svg("circle", { class: "end", r: 4, visibility: "hidden" });
  picture.append(line, mark);
  let at = values.length - 1;
  const to = (next) => {
    at = Math.max(0, Math.min(values.length - 1, next));
    const value = values[at], revision = data.trend.revisions[at], box = picture.getBoundingClientRect();
    line.setAttribute("x1", x(at)); line.setAttribute("x2", x(at)); line.setAttribute("visibility", "visible");
    mark.setAttribute("visibility", value === null ? "hidden" : "visible");
    if (value !== null) { mark.setAttribute("cx", x(at)); mark.setAttribute("cy", y(value)); }
    const told = [[data.trend.metric, value === null ? "not there" : number(value)], ["when", day(revision.time)]];
    if (revision.author) told.push(["by", revision.author]);
    showTip(revision.commit ? `${revision.commit.slice(0, 8)} ${revision.subject}` : revision.subject || "the files as they are now", told, box.left + (x(at) / width) * box.width, box.top + box.height / 3);
    picture.setAttribute("aria-label", `${name}, ${day(revision.time)}: ${value === null ? "not there" : number(value)}`);
  };
  const away = () => { hideTip(); line.setAttribute("visibility", "hidden"); mark.setAttribute("visibility", "hidden"); };
  picture.addEventListener("pointermove", (event) => { const box = picture.getBoundingClientRect(), inside = ((event.clientX - box.left) / box.width) * width; to(Math.round(((inside - edge.l) / (width - edge.l - edge.r)) * (values.length - 1))); });
  picture.addEventListener("pointerleave", away);
  picture.addEventListener("blur", away);
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step) { event.preventDefault(); to(at + step); }
  });
}
const moved = (values) => (values.length ? (values.at(-1) ?? 0) - (values[0] ?? 0) : 0);
const ends = (values) => [[values[0], "new"], [values.at(-1), "gone"]].map(([value, without]) => (value === null || value === undefined ? without : number(Math.round(value * 100) / 100))).join(" → ");
function change(values) {
  const by = moved(values), better = data.trend.metric === "maintainability" ? by > 0 : by < 0;
  return el("b", { class: by === 0 ? "quiet" : better ? "better" : "worse" }, by === 0 ? "unchanged" : signed(by));
}
const MOST_MOVERS = 12;
function drawTrend() {
  const trend = data.trend, width = Math.max(280, Math.floor($("charts").clientWidth));
  const movers = trend.lines.filter((line) => moved(line.values) !== 0).sort((a, b) => Math.abs(moved(b.values)) - Math.abs(moved(a.values)));
  $("trend-lead").textContent = `Total ${trend.metric} over ${count(trend.revisions.length, "revision")}` + (trend.complete ? "." : "; the clone is shallow, there is no more.");
  const tiles = movers.slice(0, MOST_MOVERS).map((line) => {
    const name = line.symbol ? `${base(line.path)}: ${line.symbol}` : line.path;
    return el("div", { class: "mover" }, el("p", { class: "name", title: line.path }, el("bdi", { dir: "ltr" }, name)), chart(line.values, 250, 56, name, true),
      el("p", { class: "ends" }, el("span", { class: "quiet" }, ends(line.values)), change(line.values)));
  });
  $("charts").replaceChildren(chart(trend.total, width, width < 500 ? 170 : 220, `Total ${trend.metric}`, false), el("div", { class: "movers" }, tiles));
  const left = movers.length - MOST_MOVERS;
  if (left > 0) $("charts").append(el("p", { class: "lead" }, `${count(left, "more line")} moved less than these.`));
}

// ---- tables that sort ----------------------------------------------------------------------------------------

// A column: name, of (what it sorts by; null goes last), cell (what it shows), and whether a number or high first.
function table(into, columns, rows, { sorted, step, more, caption }) {
  let by = columns.find((column) => column.name === sorted) || null, down = by ? by.down !== false : false, most = step, current = rows;
  const body = el("tbody"), heads = columns.map((column) => el("th", { scope: "col", class: column.num ? "num" : null }, el("button", { type: "button", title: column.title, onclick: () => sort(column) }, column.name)));
  const all = el("button", { type: "button", class: "all", onclick: () => { most = Infinity; fill(); } });
  const empty = el("p", { class: "empty" }, "Nothing fits.");
  into.replaceChildren(el("table", { "aria-label": caption }, el("thead", {}, el("tr", {}, heads)), body), empty, all);
  function sort(column) { down = by === column ? !down : column.down !== false; by = column; fill(); }
  function ordered() {
    if (!by) return current;
    const sign = down ? -1 : 1;
    return [...current].sort((a, b) => {
      const x = by.of(a), y = by.of(b);
      if (x === null || y === null || x === "" || y === "") return (x === null || x === "") - (y === null || y === "");
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      return x < y ? -sign : x > y ? sign : 0;
    });
  }
  function fill() {
    heads.forEach((head, at) => { if (columns[at] === by) head.setAttribute("aria-sort", down ? "descending" : "ascending"); else head.removeAttribute("aria-sort"); });
    const list = ordered();
    body.replaceChildren(...list.slice(0, most).map((row) => line(row)));
    empty.hidden = list.length > 0;
    all.hidden = list.length <= most;
    all.textContent = `Show all ${short.format(list.length)}`;
  }
  function line(row) {
    const cells = columns.map((column) => {
      const cell = column.cell(row), blank = cell === "" || cell === null;
      return el("td", { class: [column.num && "num", column.kind, blank && "blank"].filter(Boolean).join(" ") || null, "data-name": column.kind === "path" || column.bare ? null : column.name }, blank ? "" : cell);
    });
    const made = el("tr", {}, cells), open = more && made.querySelector(".open");
    if (open) open.addEventListener("click", () => {
      const wide = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!wide));
      if (wide) made.nextSibling.remove(); else made.after(el("tr", { class: "more" }, el("td", { colspan: columns.length }, more(row))));
    });
    return made;
  }
  fill();
  return (rowsNow) => { current = rowsNow; fill(); };
}

// ---- findings ------------------------------------------------------------------------------------------------

const wanted = new Set(severities.map((kind) => kind.rank));
let refill = () => {};
function refilter() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), rule = $("rule").value;
  const left = data.findings.filter((finding) => wanted.has(finding.rank) && (!rule || finding.rule === rule) && words.every((word) => finding.haystack.includes(word)));
  $("findings-lead").textContent = left.length === data.findings.length ? "Open one to see what to do about it." : `${short.format(left.length)} of ${short.format(data.findings.length)} shown.`;
  refill(left);
}
const dash = (has, column) => (has ? [column] : []);
function drawFindings() {
  for (const finding of data.findings) finding.haystack = [finding.place, finding.symbol, finding.rule, finding.message, finding.file ? finding.file.owner : ""].join(" ").toLowerCase();
  const rules = [...new Set(data.findings.map((finding) => finding.rule))].sort(), names = new Map(data.rules.map((rule) => [rule.id, rule.name]));
  $("rule").append(el("option", { value: "" }, "all"), ...rules.map((rule) => el("option", { value: rule }, names.get(rule) ? `${rule} ${names.get(rule)}` : rule)));
  $("rule").addEventListener("change", refilter);
  $("search").addEventListener("input", refilter);
  $("severities").append(...severities.filter((kind) => kind.amount).map((kind) => {
    const button = el("button", { type: "button", "aria-pressed": "true", onclick: () => {
      if (wanted.has(kind.rank)) wanted.delete(kind.rank); else wanted.add(kind.rank);
      button.setAttribute("aria-pressed", String(wanted.has(kind.rank)));
      refilter();
    } }, el("span", { class: `dot ${kind.word}` }), count(kind.amount, kind.word));
    return button;
  }));
  const from = (finding, name) => (finding.file ? finding.file[name] : null);
  refill = table($("findings-table"), [
    { name: "Severity", of: (f) => f.rank, cell: (f) => el("span", { class: f.severity }, f.severity), kind: "tight", bare: true },
    { name: "Rule", of: (f) => f.rule, cell: (f) => f.rule, kind: "tight", down: false, bare: true },
    { name: "Where", of: (f) => `${f.path}\0${String(f.line).padStart(9, "0")}`, down: false, kind: "path",
      cell: (f) => [el("button", { type: "button", class: "open", "aria-expanded": "false" }, f.symbol), el("span", { class: "sub mono place" }, breaking(f.place))] },
    { name: "Value", of: (f) => f.value, cell: (f) => number(f.value), num: true },
    ...dash(data.findings.some((f) => f.before !== null), { name: "Before", of: (f) => f.before, cell: (f) => number(f.before), num: true }),
    { name: "Limit", of: (f) => f.limit, cell: (f) => number(f.limit), num: true },
    ...dash(hasHistory, { name: "Heat", of: (f) => from(f, "heat"), cell: (f) => (f.file ? short.format(f.file.heat) : ""), num: true }),
    ...dash(hasHistory, { name: "Owner", of: (f) => from(f, "owner"), cell: (f) => owned(f.file), down: false, kind: "owner" }),
    ...dash(hasCoverage, { name: "Coverage", of: (f) => from(f, "coverage"), cell: (f) => percent(from(f, "coverage")), num: true, down: false }),
  ], data.findings, { step: 150, caption: "Findings", more: (f) => [el("p", {}, f.message), el("p", {}, f.suggestion)] });
  document.querySelector(".filters").hidden = data.findings.length === 0;
  refilter();
  if (!data.findings.length) {
    $("findings-lead").textContent = "";
    $("findings-table").replaceChildren(el("p", { class: "empty" }, "None: everything that was measured is within its limits."));
  }
}

// ---- files, what is missing, rules ---------------------------------------------------------------------------

function meter(value) {
  return el("span", { class: "meter", "aria-hidden": "true" }, svg("svg", { width: 48, height: 8 }, svg("rect", { x: 0, y: 0, width: (value * 48) / 100, height: 8 })));
}
function drawFiles() {
  $("hotspots-title").textContent = hasHistory ? "Hot spots" : "Files";
  $("hotspots-lead").textContent = hasHistory ? "Heat is complexity by churn: complex code that keeps changing costs most." : "Every file that was measured.";
  const worse = (file) => (file.change ? el("span", { class: file.change > 0 ? "worse" : "better" }, signed(file.change)) : "");
  table($("hotspots-table"), [
    ...dash(hasHistory, { name: "Heat", of: (f) => f.heat, cell: (f) => [meter(f.heat), el("span", { class: "metered" }, short.format(f.heat))], num: true }),
    { name: "File", of: (f) => f.path, cell: (f) => el("span", { class: "mono" }, breaking(f.path)), kind: "path", down: false },
    { name: "Lines", of: (f) => f.lines, cell: (f) => short.format(f.lines), num: true },
    { name: "Complexity", title: "the sum over its functions", of: (f) => f.complexity, cell: (f) => number(f.complexity), num: true },
    ...dash(files.some((f) => f.change), { name: "Change", title: "how much the last change added", of: (f) => f.change, cell: worse, num: true }),
    { name: "Worst", title: "the highest complexity of a function", of: (f) => f.worst, cell: (f) => number(f.worst), num: true },
    { name: "Index", title: "maintainability index and rank", of: (f) => f.maintainability, cell: (f) => `${short.format(f.maintainability)} ${f.rank}`, num: true, down: false },
    ...dash(hasHistory, { name: "Commits", of: (f) => f.commits, cell: (f) => number(f.commits), num: true }),
    ...dash(hasHistory, { name: "Changed", of: (f) => f.last_changed, cell: (f) => day(f.last_changed), kind: "tight" }),
    ...dash(hasHistory, { name: "Owner", of: (f) => f.owner, cell: (f) => owned(f), down: false, kind: "owner" }),
    ...dash(hasCoverage, { name: "Coverage", of: (f) => f.coverage, cell: (f) => percent(f.coverage), num: true, down: false }),
  ], files, { sorted: hasHistory ? "Heat" : "Complexity", step: 15, caption: "Files" });
}
function pairs(id, list) {
  $(id).append(...list.map(([name, ...told]) => [el("dt", {}, name), el("dd", {}, told)]).flat());
}

// ---- all of it -----------------------------------------------------------------------------------------------

function show(id, has, draw) {
  $(id).hidden = !has;
  if (!has) return;
  draw();
  const title = $(id).querySelector("h2");
  if (title) $("contents").append(el("a", { href: `#${id}` }, title.textContent));
}
drawTotals();
show("map", files.length > 0, () => { drawColours(); drawMap(); listenToMap(); });
show("trend", Boolean(data.trend && data.trend.revisions.length > 1), drawTrend);
show("findings", true, drawFindings);
show("hotspots", files.length > 0, drawFiles);
show("missed", data.not_analysed.length > 0, () => pairs("missed-list", data.not_analysed.map((file) => [file.path, file.reason])));
show("rules", data.rules.length > 0, () => pairs("rules-list", data.rules.map((rule) => [rule.id, el("b", {}, rule.name || rule.summary), rule.help ? ` ${rule.help}` : ""])));
const made = [`selfimprove ${data.version}`, data.engine && `measured by ${data.engine}`,
  data.made_at !== null && new Date(data.made_at * 1000).toISOString().replace("T", " ").slice(0, 16) + " UTC"].filter(Boolean);
$("foot").textContent = made.join(" · ");
let wide = window.innerWidth;
window.addEventListener("resize", () => { if (data.trend && !$("trend").hidden && window.innerWidth !== wide) { wide = window.innerWidth; drawTrend(); } });
document.documentElement.dataset.ready = "true";
})();
