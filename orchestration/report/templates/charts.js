// Charts are drawn when they come near the screen, the others once the browser is idle, so that paper has them all.
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

function sized(spec, width) {
  if (!spec.vconcat) return { ...spec, width, autosize: { type: "fit-x", contains: "padding" } };
  return { ...spec, vconcat: spec.vconcat.map((panel) => ({ ...panel, width: width - LEFT - RIGHT })) };
}

async function draw(holder) {
  if (holder.dataset.width === String(holder.clientWidth)) return;
  holder.dataset.width = holder.clientWidth;
  const payload = JSON.parse(document.getElementById(`data-${holder.id}`).textContent);
  const datasets = Object.fromEntries(
    Object.entries(payload.data).map(([name, columns]) => [name, rows(columns, payload.days[name])]));
  drawn.get(holder)?.finalize();
  const result = await window.drawChart(holder, { ...sized(payload.spec, holder.clientWidth), datasets, description: payload.says }, {
    actions: false, renderer: "svg", defaultStyle: false, tooltip: { theme: "page", disableDefaultStyle: true },
  });
  drawn.set(holder, result);
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
      const width = holder.clientWidth - LEFT - RIGHT, scale = view.scale("concat_1_x"), end = scale.invert(width);
      const years = Number(button.dataset.years);
      const from = years ? Math.max(0, scale(new Date(Date.UTC(end.getUTCFullYear() - years, end.getUTCMonth(), end.getUTCDate())))) : 0;
      view.signal("zoom_x", years ? [from, width] : []).runAsync();
      for (const other of figure.querySelectorAll("button[data-years]")) other.setAttribute("aria-pressed", String(other === button));
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
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* the choice then lasts for this visit */ }
};
