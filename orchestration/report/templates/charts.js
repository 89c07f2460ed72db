// Charts are drawn when they come near the visible area, the rest when the browser is idle, so that a printout has all of them.
const DAY = 86400000, LEFT = 54, RIGHT = 10;
const holders = [...document.querySelectorAll(".chart")];
const drawn = new Map();

function rows(columns, days) {
  const names = Object.keys(columns), length = names.length ? columns[names[0]].length : 0;
  const dated = new Set(days);
  return Array.from({ length }, (_, i) => Object.fromEntries(names.map((name) => {
    const value = columns[name][i];
    return [name, dated.has(name) && value !== null ? value * DAY : value];
  })));
}

// Zoom to the most recent years by setting the initial selection of the overview panel.
function zoomed(spec, years, datasets) {
  if (!years) return spec;
  const end = Math.max(...datasets.points.map((point) => point.session)), start = new Date(end);
  start.setUTCFullYear(start.getUTCFullYear() - years);
  const overview = spec.vconcat[1], [zoom] = overview.params;
  return { ...spec, vconcat: [spec.vconcat[0], { ...overview, params: [{ ...zoom, value: { x: [start.getTime(), end] } }] }] };
}

function sized(spec, width) {
  if (!spec.vconcat) return { ...spec, width, autosize: { type: "fit-x", contains: "padding" } };
  return { ...spec, vconcat: spec.vconcat.map((panel) => ({ ...panel, width: width - LEFT - RIGHT })) };
}

async function draw(holder) {
  if (holder.dataset.width === String(holder.clientWidth)) return;
  holder.dataset.width = holder.clientWidth;
  const payload = JSON.parse(document.getElementById(holder.dataset.payload).textContent);
  const datasets = Object.fromEntries(
    Object.entries(payload.data).map(([name, columns]) => [name, rows(columns, payload.days[name])]));
  drawn.get(holder)?.finalize();
  const spec = zoomed(sized(payload.spec, holder.clientWidth), Number(holder.dataset.years ?? 0), datasets);
  const result = await window.drawChart(holder, { ...spec, datasets, description: holder.getAttribute("aria-label") }, {
    actions: false, renderer: "svg", defaultStyle: false, tooltip: { theme: "page", disableDefaultStyle: true },
  });
  drawn.set(holder, result);
  holder.setAttribute("role", "img");
  holder.querySelector("svg").setAttribute("aria-hidden", "true");
  holder.closest("figure").classList.add("is-drawn");
  control(holder, result.view);
}

function control(holder, view) {
  const figure = holder.closest("figure");
  for (const select of figure.querySelectorAll("select[data-parameter]")) {
    const apply = () => view.signal(select.dataset.parameter, select.dataset.number ? Number(select.value) : select.value).runAsync();
    select.onchange = apply;
    if (select.selectedIndex > 0 || select.value !== select.dataset.first) apply();
  }
  for (const button of figure.querySelectorAll("button[data-years]")) {
    button.onclick = () => {
      holder.dataset.years = button.dataset.years;
      for (const other of figure.querySelectorAll("button[data-years]")) other.setAttribute("aria-pressed", String(other === button));
      delete holder.dataset.width;
      draw(holder);
    };
  }
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: "600px" });
for (const holder of holders) near.observe(holder);

const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
function drawRest(waiting) {
  const next = waiting.find((holder) => !holder.dataset.width);
  if (next) idle(async () => { await draw(next); drawRest(waiting); });
}
addEventListener("load", () => drawRest(holders));

let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => holders.filter((h) => h.dataset.width).forEach(draw), 150); });

const toggle = document.getElementById("theme");
toggle.hidden = false;
toggle.onclick = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* without storage the choice lasts until the page is closed */ }
};
