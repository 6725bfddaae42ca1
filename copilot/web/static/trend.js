// Draws every <figure data-trend> as a chart: zoom by dragging or by buttons, normal range as a band, alarm limits as lines.
const PLOT = "/static/uPlot-1.6.32.min", HEIGHT = 240, LEAST_S = 20;
let loading = null;

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const mode = (element, name) => {
  // light-dark() is resolved by the browser where it is used, not where it is read.
  const probe = Object.assign(document.createElement("i"), {hidden: true});
  probe.style.color = `var(${name})`;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found || colour(name);
};

function load() {
  loading ??= new Promise((ready, failed) => {
    for (const href of [`${PLOT}.css`, "/static/trend.css"])
      document.head.append(Object.assign(document.createElement("link"), {rel: "stylesheet", href}));
    if (globalThis.uPlot) return ready();
    document.head.append(Object.assign(document.createElement("script"), {src: `${PLOT}.js`, onload: ready, onerror: failed}));
  });
  return loading;
}

/** Draw all trends within an element that are not drawn yet. */
export async function drawTrends(root = document) {
  const figures = [...root.querySelectorAll("figure[data-trend]:not([data-drawn])")];
  if (!figures.length) return;
  figures.forEach(figure => { figure.dataset.drawn = "yes"; });
  await load();
  figures.forEach(draw);
}

function draw(figure) {
  const trend = JSON.parse(figure.dataset.trend), place = figure.querySelector(".plot");
  if (!trend.values.some(value => value !== null)) return;
  const whole = [trend.times[0], trend.times.at(-1)];
  const ink = {};
  const dye = () => ["--ink", "--muted", "--line", "--bar", "--critical", "--warning"].forEach(n => { ink[n] = mode(figure, n); });
  dye();
  const axis = extra => ({stroke: () => ink["--muted"], grid: {stroke: () => ink["--line"], width: 1}, ticks: {stroke: () => ink["--line"]}, ...extra});
  const chart = new uPlot({
    width: place.clientWidth, height: HEIGHT,
    tzDate: seconds => uPlot.tzDate(new Date(seconds * 1e3), trend.zone),
    cursor: {drag: {x: true, y: false}, points: {size: 8}},
    scales: {y: {range: (_, low, high) => span(trend, low, high)}},
    axes: [axis({values: clock}), axis({label: trend.unit, labelSize: 22, size: 58})],
    series: [
      {label: figure.dataset.time, value: "{YYYY}-{MM}-{DD} {HH}:{mm}"},
      {label: trend.name, stroke: () => ink["--ink"], width: 2, spanGaps: false, value: (_, v) => v === null ? "–" : `${+v.toPrecision(4)} ${trend.unit}`},
    ],
    hooks: {drawClear: [u => band(u, trend, ink)], draw: [u => lines(u, trend, ink)]},
  }, [trend.times, trend.values], place);
  new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== chart.width) chart.setSize({width: place.clientWidth, height: HEIGHT});
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { dye(); chart.redraw(); });
  place.after(buttons(figure, chart, whole));
}

const clock = [
  [3600 * 24 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [3600 * 24, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [3600, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [60, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

/** The values, and of normal range and limits what is near them. */
function span(trend, low, high) {
  if (low === null) return [0, 1];
  const width = Math.max(high - low, Math.abs(high) * 0.02, 1e-9);
  const marks = [...(trend.normal ?? []), ...Object.values(trend.limits)].filter(m => m !== null && m > low - 1.5 * width && m < high + 1.5 * width);
  const ends = [Math.min(low, ...marks), Math.max(high, ...marks)];
  const room = Math.max(ends[1] - ends[0], width) * 0.06;
  return [ends[0] - room, ends[1] + room];
}

function within(u, paint) {
  const {ctx, bbox} = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  paint(ctx, bbox);
  ctx.restore();
}

function band(u, trend, ink) {
  if (!trend.normal) return;
  within(u, (ctx, box) => {
    const [low, high] = trend.normal;
    const top = high === null ? box.top : u.valToPos(high, "y", true);
    const bottom = low === null ? box.top + box.height : u.valToPos(low, "y", true);
    ctx.globalAlpha = 0.45;
    ctx.fillStyle = ink["--bar"];
    ctx.fillRect(box.left, top, box.width, bottom - top);
  });
}

function lines(u, trend, ink) {
  within(u, (ctx, box) => {
    for (const [name, limit] of Object.entries(trend.limits)) {
      if (limit === null) continue;
      const y = u.valToPos(limit, "y", true), outer = name.includes("-");
      ctx.strokeStyle = ctx.fillStyle = ink[outer ? "--critical" : "--warning"];
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.setLineDash(outer ? [] : [8, 6]);
      ctx.beginPath();
      ctx.moveTo(box.left, y);
      ctx.lineTo(box.left + box.width, y);
      ctx.stroke();
      ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.fillText(name, box.left + 6, y - 4 * devicePixelRatio);
    }
  });
}

function buttons(figure, chart, whole) {
  const row = Object.assign(document.createElement("div"), {className: "row zoom"});
  const zoom = factor => {
    const {min, max} = chart.scales.x, middle = (min + max) / 2;
    const half = Math.max((max - min) * factor, LEAST_S) / 2;
    chart.setScale("x", {min: Math.max(middle - half, whole[0]), max: Math.min(middle + half, whole[1])});
  };
  for (const [text, act] of [
    [figure.dataset.in, () => zoom(0.5)],
    [figure.dataset.out, () => zoom(2)],
    [figure.dataset.whole, () => chart.setScale("x", {min: whole[0], max: whole[1]})],
  ]) {
    const button = Object.assign(document.createElement("button"), {type: "button", className: "quiet", textContent: text});
    button.addEventListener("click", act);
    row.append(button);
  }
  return row;
}

drawTrends();
