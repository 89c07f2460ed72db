// Draws the charts, one after the other while the browser is idle, so that a printout has all of them.
const DAY = 86400000, LEFT = 54, RIGHT = 10;
const holders = [...document.querySelectorAll(".chart")];
const drawn = new Map();
const read = (holder) => JSON.parse(document.getElementById(holder.dataset.payload).textContent);

// The chart libraries are stored compressed. The page's security policy knows the sum of the script, so that it may run.
const library = fetchLibrary();
async function fetchLibrary() {
  const bytes = Uint8Array.from(atob(document.getElementById("library").textContent), (letter) => letter.charCodeAt(0));
  const text = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const script = Object.assign(document.createElement("script"), { type: "module", textContent: await text });
  const ready = new Promise((done) => addEventListener("library", done, { once: true }));
  document.head.append(script);
  await ready;
}

// A column is a list of values, of codes with the words they stand for, or of whole numbers with their divisor.
function unpacked(column) {
  if (column.codes) return column.codes.map((code) => column.words[code]);
  if (column.divided) return column.divided.map((value) => (value === null ? null : value / column.by));
  return column;
}
const columnsOf = (data) => Object.fromEntries(Object.entries(data).map(([name, column]) => [name, unpacked(column)]));

function rows(data, days) {
  const columns = columnsOf(data), names = Object.keys(columns), length = names.length ? columns[names[0]].length : 0;
  const dated = new Set(days);
  return Array.from({ length }, (_, i) => Object.fromEntries(names.map((name) => {
    const value = columns[name][i];
    return [name, dated.has(name) && value !== null ? value * DAY : value];
  })));
}

// Show the most recent years by setting the initial selection of the lowest panel.
function zoomed(spec, years, datasets) {
  if (!years) return spec;
  const sessions = datasets.points.map((point) => point.session);
  const end = sessions.reduce((a, b) => Math.max(a, b)), start = new Date(end);
  start.setUTCFullYear(start.getUTCFullYear() - years);
  const overview = spec.vconcat.at(-1), [zoom] = overview.params;
  const from = Math.max(start.getTime(), sessions.reduce((a, b) => Math.min(a, b)));
  return { ...spec, vconcat: [...spec.vconcat.slice(0, -1), { ...overview, params: [{ ...zoom, value: { x: [from, end] } }] }] };
}

function sized(spec, width) {
  if (!spec.vconcat) return { ...spec, width, autosize: { type: "fit-x", contains: "padding" } };
  return { ...spec, vconcat: spec.vconcat.map((panel) => ({ ...panel, width: width - LEFT - RIGHT })) };
}

// The specification with its data, its period and the values chosen in its lists.
function specified(holder, width) {
  const payload = read(holder);
  const datasets = Object.fromEntries(Object.entries(payload.data).map(([name, data]) => [name, rows(data, payload.days[name])]));
  const chosen = Object.fromEntries([...holder.closest("figure").querySelectorAll("select[data-parameter]")].map((list) =>
    [list.dataset.parameter, list.dataset.number ? Number(list.value) : list.value]));
  const years = Number(holder.dataset.years ?? 0);
  if (holder.dataset.years) chosen.years = years;
  const params = payload.spec.params?.map((one) => (one.name in chosen ? { ...one, value: chosen[one.name] } : one));
  const spec = zoomed(sized(payload.spec, width), years, datasets);
  return { ...spec, ...(params ? { params } : {}), datasets, description: holder.getAttribute("aria-label") };
}

const OPTIONS = { actions: false, renderer: "svg", defaultStyle: false, tooltip: { theme: "page", disableDefaultStyle: true } };

// A chart in a collapsed section is drawn at the width of the first chart: all are equally wide.
const widthOf = (holder) => holder.clientWidth || holders[0].clientWidth;

async function draw(holder, again = false) {
  const width = widthOf(holder);
  if (!again && holder.dataset.width === String(width)) return;
  holder.dataset.width = width;
  await library;
  drawn.get(holder)?.finalize();
  const result = await window.drawChart(holder, specified(holder, width), OPTIONS);
  drawn.set(holder, result);
  const svg = holder.querySelector("svg");
  svg.setAttribute("aria-hidden", "true");
  svg.style.setProperty("--drawn", `${width}px`);
  holder.closest("figure").classList.add("is-drawn");
}

for (const holder of holders) {
  const figure = holder.closest("figure");
  for (const list of figure.querySelectorAll("select[data-parameter]")) list.onchange = () => draw(holder, true);
  for (const button of figure.querySelectorAll("button[data-years]")) {
    button.onclick = () => {
      holder.dataset.years = button.dataset.years;
      for (const other of figure.querySelectorAll("button[data-years]")) other.setAttribute("aria-pressed", String(other === button));
      draw(holder, true);
    };
  }
  figure.querySelector("[data-save=csv]").onclick = () => saveTable(holder);
  figure.querySelector("[data-save=png]").onclick = () => savePicture(holder);
}

function save(name, blob) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const fileName = (holder, end) => `${holder.id.replace("chart-", "")}-${document.getElementById("made").dateTime.slice(0, 10)}.${end}`;

function saveTable(holder) {
  const payload = read(holder), [name, data] = Object.entries(payload.data)[0];
  const columns = columnsOf(data), names = Object.keys(columns), dated = new Set(payload.days[name]);
  const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
  const shown = (column, value) => value === null ? "" : dated.has(column) ? new Date(value * DAY).toISOString().slice(0, 10) : quoted(value);
  const lines = columns[names[0]].map((_, i) => names.map((column) => shown(column, columns[column][i])).join());
  save(fileName(holder, "csv"), new Blob([[names.join(), ...lines].join("\n") + "\n"], { type: "text/csv" }));
}

// A picture cannot use the variables of the style sheet: they are replaced by the colours of the moment.
async function savePicture(holder) {
  const colours = getComputedStyle(document.documentElement), figure = holder.closest("figure");
  const title = { text: figure.querySelector("h3").textContent, subtitle: figure.querySelector(".source").textContent.slice(0, 140),
    anchor: "start", color: "var(--ink)", subtitleColor: "var(--faint)", offset: 12 };
  const { datasets, ...spec } = specified(holder, widthOf(holder));
  const text = JSON.stringify({ ...spec, title, background: "var(--paper)", padding: 14 });
  const plain = JSON.parse(text.replace(/var\((--[\w-]+)\)/g, (_, name) => colours.getPropertyValue(name).trim()));
  const result = await window.drawChart(document.createElement("div"), { ...plain, datasets }, { ...OPTIONS, renderer: "none" });
  const canvas = await result.view.toCanvas(2);
  result.finalize();
  canvas.toBlob((blob) => save(fileName(holder, "png"), blob));
}

const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
async function drawRest() {
  for (const holder of holders) {
    await new Promise((done) => idle(done, { timeout: 500 }));
    await draw(holder);
  }
}
const complete = drawRest();

let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => holders.forEach((holder) => draw(holder)), 150); });

// A link into a collapsed section opens it.
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const inside = target.querySelector(":scope > details.section");
  if (inside) inside.open = true;
  for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

// Paper has everything: collapsed sections are opened, and closed again afterwards.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
  delete document.documentElement.dataset.print;
});
const printer = document.getElementById("print");
printer.hidden = false;
printer.onclick = async () => { document.documentElement.dataset.print = "summary"; await complete; print(); };

// How long ago the page was made, by the reader's clock.
const days = Math.floor((Date.now() - new Date(document.getElementById("made").dateTime)) / DAY);
const ago = document.getElementById("made-ago");
ago.textContent = days < 1 ? ", today" : days === 1 ? ", 1 day ago" : `, ${days} days ago`;
ago.classList.toggle("old", days > 3);

// The definition of a term, beside it while the pointer or the focus is on it.
const tip = Object.assign(document.createElement("div"), { id: "term-tip" });
document.body.append(tip);
let explained;
function explain(term) {
  explained = term;
  tip.textContent = document.getElementById(term.getAttribute("aria-describedby")).textContent;
  tip.classList.add("visible");
  const at = term.getBoundingClientRect(), box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.width - 8))}px`;
  tip.style.top = `${at.bottom + box.height + 8 < innerHeight ? at.bottom + 6 : at.top - box.height - 6}px`;
}
const hide = () => tip.classList.remove("visible");
for (const term of document.querySelectorAll("a.term")) {
  term.onpointerenter = term.onfocus = () => explain(term);
  term.onpointerleave = term.onblur = hide;
  term.onclick = (event) => { event.preventDefault(); explain(term); };
}
addEventListener("keydown", (event) => { if (event.key === "Escape") { hide(); explained = undefined; } });
addEventListener("scroll", () => { if (explained && document.activeElement === explained) explain(explained); else hide(); }, { passive: true });

const toggle = document.getElementById("theme");
toggle.hidden = false;
toggle.onclick = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* without storage the choice lasts until the page is closed */ }
};
