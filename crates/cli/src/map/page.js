"use strict";
const $ = id => document.getElementById(id);
const canvas = $("canvas"), context = canvas.getContext("2d"), tip = $("tip");
const places = $("places").textContent.split(" ").map(Number);
const boxes = [...document.querySelectorAll("#legend input")];

// points: { x, y, group, item }; the texts stay in the lists.
const points = [];
const groups = [...document.querySelectorAll("details.group")].map((details, group) => {
  const mark = details.querySelector(".mark").textContent, name = details.querySelector("summary bdi").textContent;
  const members = [...details.querySelectorAll("li")].map(item => {
    const i = points.length;
    points.push({ x: places[2 * i], y: places[2 * i + 1], group, item, lower: item.textContent.toLowerCase(), match: false });
    return points[i];
  });
  const median = axis => members.map(p => p[axis]).sort((a, b) => a - b)[members.length >> 1];
  return { mark, name, members, shown: true, x: median("x"), y: median("y") };
});
const text = point => point.item.textContent;
const place = point => `${point.item.value}. ${groups[point.group].mark === "–" ? "In no cluster" : "Cluster " + groups[point.group].mark}`;
const shown = point => groups[point.group].shown;

// The golden angle keeps the hues of neighbours in the list apart; lightness takes turns too.
const darkness = matchMedia("(prefers-color-scheme: dark)");
let ink, quiet, paper;
function colours() {
  const style = getComputedStyle(document.documentElement);
  [ink, quiet, paper] = ["--text", "--quiet", "--page"].map(name => style.getPropertyValue(name).trim());
  const marks = [...document.querySelectorAll("#legend .mark"), ...document.querySelectorAll("summary .mark")];
  groups.forEach((group, i) => {
    const light = (darkness.matches ? 68 : 40) + (i % 3 - 1) * 8;
    group.colour = group.mark === "–" ? quiet : `hsl(${(215 + i * 137.5) % 360} 70% ${light}%)`;
    [marks[i], marks[i + groups.length]].forEach(mark => mark.style.setProperty("--colour", group.colour));
  });
}

// The view: the place in the middle of the canvas, pixels a unit, and whether it shows all, also when the window changes.
let width, height, view, chosen = null, cross = false, searching = false;
const sx = x => (x - view.x) * view.scale + width / 2, sy = y => (y - view.y) * view.scale + height / 2;
function fit(some) {
  const [xs, ys] = [some.map(p => p.x).sort((a, b) => a - b), some.map(p => p.y).sort((a, b) => a - b)];
  const last = some.length - 1;
  const scale = Math.min((width - 56) / Math.max(xs[last] - xs[0], 300), (height - 56) / Math.max(ys[last] - ys[0], 300));
  view = { x: (xs[0] + xs[last]) / 2, y: (ys[0] + ys[last]) / 2, scale, whole: some === points };
  draw();
}
function resize() {
  const ratio = devicePixelRatio || 1;
  [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (view && !view.whole) draw(); else fit(points);
}
function zoom(factor, x = width / 2, y = height / 2) {
  const scale = Math.min(40, Math.max(.01, view.scale * factor)), d = 1 / view.scale - 1 / scale;
  view = { x: view.x + (x - width / 2) * d, y: view.y + (y - height / 2) * d, scale };
  draw();
}
function move(dx, dy) {
  view = { x: view.x - dx / view.scale, y: view.y - dy / view.scale, scale: view.scale };
  draw();
}

let asked = false;
function draw() {
  if (!asked) { asked = true; requestAnimationFrame(paint); }
}
function dots(group, wanted, radius, alpha) {
  context.globalAlpha = alpha;
  context.fillStyle = group.colour;
  context.beginPath();
  for (const p of group.members) {
    if (!wanted(p)) continue;
    const x = sx(p.x), y = sy(p.y);
    if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 7);
  }
  context.fill();
}
function paint() {
  asked = false;
  context.globalAlpha = 1;
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  const radius = Math.min(7, Math.max(1.6, 90 / Math.sqrt(points.length)) * Math.max(1, Math.sqrt(view.scale * 10000 / height)) ** .7);
  const visible = groups.filter(group => group.shown);
  for (const group of visible) dots(group, p => !searching || !p.match, radius, searching ? .13 : .72);
  if (searching) for (const group of visible) dots(group, p => p.match, radius * 1.4 + .4, 1);
  context.globalAlpha = 1;
  if (chosen && shown(chosen)) ring(sx(chosen.x), sy(chosen.y), radius + 4);
  labels(visible);
  if (cross) {
    context.strokeStyle = ink;
    context.lineWidth = 1;
    context.strokeRect(width / 2 - 8, height / 2, 16, 0);
    context.strokeRect(width / 2, height / 2 - 8, 0, 16);
  }
}
function ring(x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.stroke();
}
// A number at each centre, and its name where that covers no other.
function labels(visible) {
  const taken = [], free = box => taken.every(other => box[0] > other[2] || box[2] < other[0] || box[1] > other[3] || box[3] < other[1]);
  context.textAlign = "center";
  context.textBaseline = "middle";
  const named = visible.filter(group => group.mark !== "–").map(group => ({ group, x: sx(group.x), y: sy(group.y) }))
    .filter(({ x, y }) => x > 0 && y > 0 && x < width && y < height);
  for (const { group, x, y } of named) {
    context.font = "600 12px system-ui, sans-serif";
    const half = Math.max(11, context.measureText(group.mark).width / 2 + 6);
    context.beginPath();
    context.roundRect(x - half, y - 11, 2 * half, 22, 11);
    context.fillStyle = paper;
    context.fill();
    context.strokeStyle = group.colour;
    context.lineWidth = 2.5;
    context.stroke();
    context.fillStyle = ink;
    context.fillText(group.mark, x, y + .5);
    taken.push([x - half, y - 12, x + half, y + 12]);
  }
  context.font = "12px system-ui, sans-serif";
  for (const { group, x, y } of named) {
    const letters = [...group.name], name = letters.length > 34 ? letters.slice(0, 33).join("").trimEnd() + "…" : group.name;
    const half = context.measureText(name).width / 2 + 3, box = [x - half, y + 13, x + half, y + 29];
    if (box[0] < 0 || box[2] > width || box[3] > height || !free(box)) continue;
    taken.push(box);
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = paper;
    context.strokeText(name, x, y + 21);
    context.fillStyle = ink;
    context.fillText(name, x, y + 21);
  }
}

function nearest(x, y, reach) {
  let best = null, least = reach * reach;
  for (const p of points) {
    if (!shown(p)) continue;
    const square = (sx(p.x) - x) ** 2 + (sy(p.y) - y) ** 2 - (searching && p.match ? 1 : 0);
    if (square < least) [best, least] = [p, square];
  }
  return best;
}
function choose(point, says) {
  if (point !== chosen) { chosen = point; draw(); }
  if (says && point) $("said").textContent = `${place(point)}: ${text(point)}`;
  tip.hidden = !point;
  if (!point) return;
  tip.textContent = `${text(point)}\n(${place(point)})`;
  const [x, y] = [sx(point.x), sy(point.y)];
  tip.style.left = `${Math.max(4, Math.min(x + 14, width - tip.offsetWidth - 6))}px`;
  tip.style.top = `${y + 16 + tip.offsetHeight > height ? Math.max(4, y - tip.offsetHeight - 12) : y + 14}px`;
}

// One finger or the mouse moves, two fingers zoom.
const fingers = new Map();
let travelled = 0;
const at = event => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
canvas.addEventListener("pointerdown", event => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, at(event));
  if (fingers.size === 1) travelled = 0;
  cross = false;
  canvas.classList.add("held");
});
canvas.addEventListener("pointermove", event => {
  const [x, y] = at(event), before = fingers.get(event.pointerId);
  if (!before) return choose(nearest(x, y, 14));
  travelled += Math.hypot(x - before[0], y - before[1]);
  const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
  if (others.length) {
    const [ox, oy] = others[0];
    const now = Math.hypot(x - ox, y - oy), then = Math.hypot(before[0] - ox, before[1] - oy);
    zoom(now / Math.max(then, 1), (x + ox) / 2, (y + oy) / 2);
    move((x - before[0]) / 2, (y - before[1]) / 2);
  } else move(x - before[0], y - before[1]);
  fingers.set(event.pointerId, [x, y]);
  tip.hidden = true;
});
function release(event) {
  const was = fingers.delete(event.pointerId);
  canvas.classList.toggle("held", fingers.size > 0);
  if (was && event.type === "pointerup" && travelled < 6) choose(nearest(...at(event), 22), true);
}
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);
canvas.addEventListener("pointerleave", event => { if (event.pointerType === "mouse" && !fingers.size) tip.hidden = true; });
canvas.addEventListener("wheel", event => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 30 : 1;
  tip.hidden = true;
  zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) * (event.ctrlKey ? .01 : .0022)), ...at(event));
}, { passive: false });
canvas.addEventListener("keydown", event => {
  const keys = { ArrowLeft: () => move(50, 0), ArrowRight: () => move(-50, 0), ArrowUp: () => move(0, 50), ArrowDown: () => move(0, -50),
    "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: () => fit(points), Escape: () => {} };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  cross = event.key !== "Escape";
  keys[event.key]();
  choose(cross ? nearest(width / 2, height / 2, width) : null, true);
});
canvas.addEventListener("blur", () => { cross = false; draw(); });
$("in").addEventListener("click", () => zoom(1.5));
$("out").addEventListener("click", () => zoom(1 / 1.5));
$("all").addEventListener("click", () => { tip.hidden = true; fit(points); });

// Every word must be somewhere in the text.
function containing(asked) {
  const words = asked.toLowerCase().split(/\s+/);
  return asked ? points.filter(p => words.every(word => p.lower.includes(word)) && shown(p)) : [];
}

// By meaning, in a page that has the model. It is unpacked for the first search.
// An eighth of the texts is near, at least 5 and at most 30.
const byMeaning = $("by-meaning"), NEAR = Math.min(30, Math.max(5, points.length >> 3));
let unpacked = null;
function take(script) {
  const letters = atob(script.textContent), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  script.remove(); // its text is a third longer than the bytes
  return bytes;
}
async function unpack() {
  const { SentenceEncoder, similarity } = await import("minilm/index.js");
  const { prompt, dimensions } = $("vectors").dataset, size = Number(dimensions);
  const rows = new Int8Array(take($("vectors")).buffer), plain = take($("module"));
  const files = [...document.querySelectorAll("script[data-file]")].map(file => [file.dataset.file, take(file)]);
  const encoder = await SentenceEncoder.load(Object.fromEntries(files), { level: "simd128", modules: { plain } });
  return async asked => {
    const query = await encoder.encode(asked, { prompt, truncateDim: size });
    points.forEach((p, i) => { p.score = similarity(query, rows.subarray(i * size, (i + 1) * size)); });
    return points.filter(shown).sort((a, b) => b.score - a.score).slice(0, NEAR);
  };
}
async function nearestTo(asked) {
  if (!unpacked) $("found").textContent = "The model is unpacked …";
  unpacked ??= unpack();
  return (await unpacked)(asked);
}

let turn = 0;
async function search() {
  const mine = ++turn, asked = $("search").value.trim(), meant = Boolean(asked && byMeaning?.checked);
  let found = [];
  try {
    found = meant ? await nearestTo(asked) : containing(asked);
  } catch (error) {
    $("found").textContent = `The model does not run here: ${error.message}`;
    return;
  }
  if (mine !== turn) return; // a later search is on its way
  searching = asked !== "";
  for (const p of points) p.match = false;
  for (const p of found) p.match = true;
  const many = found.length === 1 ? "1 text" : `${found.length} texts`;
  $("found").textContent = !searching ? "" : many + (meant ? ", the nearest first:" : found.length > 100 ? ", the first 100 of them:" : "");
  $("matches").replaceChildren(...found.slice(0, 100).map(point => {
    const [entry, button] = [document.createElement("li"), document.createElement("button")];
    button.type = "button";
    button.dir = "auto";
    button.textContent = text(point);
    if (meant) {
      const score = document.createElement("small");
      score.textContent = point.score.toFixed(3);
      button.prepend(score, " ");
    }
    button.addEventListener("click", () => {
      view = { x: point.x, y: point.y, scale: Math.max(view.scale, 4 * height / 10000) };
      draw();
      choose(point, true);
    });
    entry.append(button);
    return entry;
  }));
  draw();
}
$("search").addEventListener("input", search);
function hint() {
  $("search").placeholder = byMeaning?.checked ? "a question, or what a text is about" : "words of a text";
}
byMeaning?.addEventListener("change", () => { hint(); search(); });
hint();
$("search").addEventListener("keydown", event => {
  const found = points.filter(p => p.match && shown(p));
  if (event.key === "Enter" && found.length) fit(found);
});

function switched() {
  boxes.forEach(box => { groups[+box.dataset.group].shown = box.checked; });
  tip.hidden = true;
  search();
}
$("legend").addEventListener("change", switched);
$("every").addEventListener("click", () => { boxes.forEach(box => { box.checked = true; }); switched(); });
$("none").addEventListener("click", () => { boxes.forEach(box => { box.checked = false; }); switched(); });

darkness.addEventListener("change", () => { colours(); draw(); });
new ResizeObserver(resize).observe(canvas);
colours();
resize();
const query = decodeURIComponent(location.hash.slice(1)); // map.html#words searches at once
if (query) { $("search").value = query; search(); }
document.documentElement.dataset.ready = "true";
