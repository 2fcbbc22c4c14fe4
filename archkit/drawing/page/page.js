const find = (query, root = document) => root.querySelector(query);
const all = (query, root = document) => [...root.querySelectorAll(query)];
const view = find("main"), side = find("aside"), home = side.innerHTML;
const at = { level: "overview", x: 0, y: 0, zoom: 1 };

// Levels, zoom and pan ---------------------------------------------------------------------------
const current = () => find(`.level[data-level="${at.level}"]`);
const place = () => { current().style.transform = `translate(${at.x}px, ${at.y}px) scale(${at.zoom})`; };

function fit() {
  const svg = find("svg", current());
  const width = +svg.getAttribute("width"), height = +svg.getAttribute("height");
  at.zoom = Math.min(view.clientWidth / width, view.clientHeight / height) * 0.97;
  at.x = (view.clientWidth - width * at.zoom) / 2;
  at.y = (view.clientHeight - height * at.zoom) / 2;
  place();
}

function level(name) {
  at.level = name;
  all(".level").forEach(e => { e.hidden = e.dataset.level !== name; });
  all("button[data-level]").forEach(b => b.setAttribute("aria-pressed", b.dataset.level === name));
  fit();
}

function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const next = Math.min(12, Math.max(0.1, at.zoom * factor));
  at.x = x - (x - at.x) * next / at.zoom;
  at.y = y - (y - at.y) * next / at.zoom;
  at.zoom = next;
  place();
}

function pan(dx, dy) { at.x += dx; at.y += dy; place(); }

view.addEventListener("wheel", event => {
  event.preventDefault();
  const box = view.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0016), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

const held = new Map();
let spread = 0, moved = 0;
view.onpointerdown = event => { held.set(event.pointerId, event); moved = 0; view.classList.add("held"); };
view.onpointermove = event => {
  const before = held.get(event.pointerId);
  if (!before) return;
  held.set(event.pointerId, event);
  if (held.size === 2) {
    const [a, b] = [...held.values()], box = view.getBoundingClientRect();
    const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    if (spread) zoom(now / spread, (a.clientX + b.clientX) / 2 - box.left, (a.clientY + b.clientY) / 2 - box.top);
    spread = now;
    return;
  }
  const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
  moved += Math.abs(dx) + Math.abs(dy);
  pan(dx, dy);
};
window.onpointerup = window.onpointercancel = event => { held.delete(event.pointerId); spread = 0; view.classList.remove("held"); };

// Stages: focus, and the panel -------------------------------------------------------------------
const named = element => element.dataset.stage || element.id.slice(element.ownerSVGElement.id.length + 1);

const tip = element => (find("title", element) || {}).textContent;

function light(stage, edge) {
  all("svg").forEach(svg => {
    all(".lit", svg).forEach(e => e.classList.remove("lit"));
    svg.classList.toggle("focused", Boolean(stage || edge));
    if (!stage && !edge) return;
    const ids = new Set(edge ? [edge.dataset.from, edge.dataset.to] : [stage]);
    all(".edge[data-from]", svg).forEach(e => {
      const ends = [e.dataset.from, e.dataset.to];
      if (edge ? e === edge : ends.includes(stage)) { e.classList.add("lit"); ends.forEach(id => ids.add(id)); }
    });
    all(".stage, [data-stage], svg > .pill, svg > .chip", svg).forEach(e => {
      if (named(e).split(" ").every(id => ids.has(id))) e.classList.add("lit");
    });
  });
  all("tr[data-stage]").forEach(row => row.classList.toggle("lit", row.dataset.stage === stage));
}

const cell = (text, kind = "td", name = "") => {
  const made = document.createElement(kind);
  made.textContent = text;
  if (name) made.className = name;
  return made;
};

function row(cells, kind = "td") {
  const made = document.createElement("tr");
  cells.forEach((text, i) => made.append(cell(text, kind, i ? "n" : "")));
  return made;
}

function show(id) {
  all(".chosen").forEach(e => e.classList.remove("chosen"));
  const stage = STAGES.find(s => s.id === id);
  side.innerHTML = home;
  if (!stage) { wire(); return; }
  all(".stage").forEach(e => { if (named(e) === id) e.classList.add("chosen"); });
  const back = cell("← all stages", "button");
  back.onclick = () => show();
  const table = document.createElement("table");
  table.append(row(["node", "channels", "parameters", "MACs"], "th"));
  stage.nodes.forEach(node => {
    table.append(row([node.name, node.channels, node.parameters, node.macs]));
    const steps = document.createElement("tr"), told = cell(node.steps, "td", "steps");
    told.colSpan = 4;
    steps.append(told);
    table.append(steps);
  });
  const group = document.createElement("span");
  group.className = "group";
  group.append(back);
  side.replaceChildren(group, cell(stage.name, "h2"), ...stage.facts.map(text => cell(text, "div", "muted")), table);
  back.focus();
}

// Without its default, Enter would press the button that takes the focus next.
function entered(event, id) {
  if (event.key !== "Enter") return;
  event.preventDefault();
  show(id);
}

function wire() {
  all("tr[data-stage]").forEach(row => {
    const id = row.dataset.stage;
    row.onclick = () => show(id);
    row.onkeydown = event => entered(event, id);
    row.onmouseenter = row.onfocus = () => light(id);
    row.onmouseleave = row.onblur = () => light();
  });
}

all("svg .stage, svg g[data-stage]").forEach(group => {
  const id = named(group);
  if (!STAGES.some(stage => stage.id === id)) return;
  group.addEventListener("click", () => { if (moved < 4) show(id); });
  group.addEventListener("mouseenter", () => light(id));
  group.addEventListener("mouseleave", () => light());
  if (!group.classList.contains("stage")) return;
  group.tabIndex = 0;
  group.setAttribute("role", "button");
  group.setAttribute("aria-label", tip(group) || id);
  group.onkeydown = event => entered(event, id);
  group.onfocus = () => light(id);
  group.onblur = () => light();
});
all("svg .edge[data-from]").forEach(edge => {
  // Its label stands in front of it, and tells the same.
  const labels = all('[data-stage*=" "] > .pill', edge.ownerSVGElement).filter(pill => tip(pill) === tip(edge));
  [edge, ...labels].forEach(part => {
    part.addEventListener("mouseenter", () => light(null, edge));
    part.addEventListener("mouseleave", () => light());
  });
});

// Theme and files --------------------------------------------------------------------------------
const root = document.documentElement;
const dark = () => root.classList.contains("dark");
const theme = on => root.classList.toggle("dark", on);
theme(root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark");

function picture() {
  const copy = find("svg", current()).cloneNode(true);
  copy.classList.remove("focused");
  if (dark()) {
    const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
    style.textContent = find("#dark").textContent.replaceAll(":root.dark ", "");
    copy.prepend(style);
  }
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ground.setAttribute("width", "100%");
  ground.setAttribute("height", "100%");
  ground.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.insertBefore(ground, copy.querySelector("g, text"));
  return new XMLSerializer().serializeToString(copy);
}

function download(blob, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${NAME}-${at.level}.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function downloadPng() {
  const svg = find("svg", current()), image = new Image();
  const width = 2 * svg.getAttribute("width"), height = 2 * svg.getAttribute("height");
  image.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0, width, height);
    canvas.toBlob(blob => download(blob, "png"));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(picture());
}

const acts = {
  fit, theme: () => theme(!dark()), png: downloadPng,
  svg: () => download(new Blob([picture()], { type: "image/svg+xml" }), "svg"),
};
all("button[data-level]").forEach(b => { b.onclick = () => level(b.dataset.level); });
all("button[data-act]").forEach(b => { b.onclick = acts[b.dataset.act]; });

const keys = {
  1: () => level("overview"), 2: () => level("stage"), 3: () => level("block"),
  0: fit, "+": () => zoom(1.2), "=": () => zoom(1.2), "-": () => zoom(1 / 1.2),
  Escape: () => { show(); light(); }, t: acts.theme,
  ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
};
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});
addEventListener("resize", fit);

wire();
const [stage, wanted] = decodeURIComponent(location.hash.slice(1)).split(",");
level(wanted && find(`.level[data-level="${wanted}"]`) ? wanted : at.level);
if (stage) show(stage);
