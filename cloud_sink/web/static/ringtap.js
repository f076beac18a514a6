"use strict";
// The chart of the day, drawn from the table beside it, and the following of new calls. Every number is on the page
// without this script; nothing here computes a KPI.

const PARTS = ["in-time", "late", "missed", "short", "other"]; // from the bottom up; names of data attributes
const QUARTER_S = 900;
let chart = null;

function readQuarters() {
  return [...document.querySelectorAll("#quarters tbody tr")].map((row) => ({
    at: Number(row.dataset.at),
    offered: Number(row.querySelector("[data-offered]").textContent),
    counts: PARTS.map((part) => Number(row.querySelector(`[data-${part}]`).textContent)),
    level: row.querySelector("[data-level]").textContent,
  }));
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Stacked bars: the tallest is drawn first, each lower one over it.
function makeSeries() {
  const bars = uPlot.paths.bars({ size: [0.72, 56], align: 0, radius: 0 });
  return PARTS.map((part) => ({ fill: colour(part), width: 0, points: { show: false }, paths: bars })).reverse();
}

function makeData(quarters) {
  const stacks = PARTS.map((_, top) => quarters.map((q) => q.counts.slice(0, top + 1).reduce((a, b) => a + b, 0)));
  return [quarters.map((q) => q.at + QUARTER_S / 2), ...stacks.reverse()];
}

function clock(seconds, zone) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
}

function describe(quarter, zone) {
  if (!quarter) return "Point at a bar to read it.";
  const words = ["in time", "later", "missed", "hung up at once", "outcome unknown"];
  const parts = quarter.counts.map((n, i) => (n ? `${n} ${words[i]}` : "")).filter(Boolean);
  const level = quarter.offered ? ` · service level ${quarter.level}` : "";
  const span = `${clock(quarter.at, zone)}–${clock(quarter.at + QUARTER_S, zone)}`;
  return `${span}: ${quarter.offered} offered${parts.length ? " · " : ""}${parts.join(" · ")}${level}`;
}

function makeAxes(quarters, zone) {
  const common = { stroke: colour("soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const hours = quarters.map((q) => q.at).filter((_, i) => i % 4 === 0); // the first row is a whole hour there
  const step = Math.ceil(hours.length / 12);
  return [
    {
      ...common,
      size: 30,
      grid: { show: false },
      splits: () => [...hours.filter((_, i) => i % step === 0), quarters.at(-1).at + QUARTER_S],
      values: (_, marks) => marks.map((at) => clock(at, zone)),
    },
    { ...common, size: 40, grid: { stroke: colour("line"), width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
  ];
}

function drawChart() {
  const place = document.getElementById("chart");
  if (chart) chart.destroy();
  chart = null;
  if (!place || !window.uPlot) return;
  const quarters = readQuarters();
  const zone = place.dataset.timeZone;
  const readout = document.getElementById("readout");
  const ends = [quarters[0].at, quarters.at(-1).at + QUARTER_S];
  place.classList.add("drawn");
  readout.textContent = describe(null, zone);
  const settings = {
    width: place.clientWidth,
    height: place.clientHeight,
    padding: [10, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: true, range: () => ends }, y: { range: (_, low, high) => [0, Math.max(5, high * 1.05)] } },
    axes: makeAxes(quarters, zone),
    series: [{}, ...makeSeries()],
    hooks: { setCursor: [(u) => (readout.textContent = describe(u.cursor.left >= 0 ? quarters[u.cursor.idx] : null, zone))] },
  };
  chart = new uPlot(settings, makeData(quarters), place);
}

// What the reader has opened or scrolled stays as it is.
function remember() {
  return {
    open: [...document.querySelectorAll("details[id]")].map((each) => [each.id, each.open]),
    top: document.querySelector(".tall")?.scrollTop ?? 0,
  };
}

function restore({ open, top }) {
  for (const [id, is] of open) {
    const found = document.getElementById(id);
    if (found) found.open = is;
  }
  const list = document.querySelector(".tall");
  if (list) list.scrollTop = top;
}

async function follow() {
  const main = document.getElementById("numbers");
  if (document.hidden || main.contains(document.activeElement)) return;
  try {
    const asking = { Accept: "text/html", "X-Follows": "calls" }; // so that following keeps nobody signed in
    const answer = await fetch(location.href, { cache: "no-store", headers: asking });
    if (answer.redirected) location.reload(); // the session is over: to the page where one signs in
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const state = remember();
    main.replaceChildren(...fresh.getElementById("numbers").children);
    restore(state);
    drawChart();
  } catch {
    // the sink is being restarted: the next round asks again
  }
}

function begin() {
  const table = document.getElementById("day-table");
  if (table) table.open = false;
  drawChart();
  addEventListener("resize", () => {
    const place = document.getElementById("chart");
    if (chart) chart.setSize({ width: place.clientWidth, height: place.clientHeight });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawChart);
  const seconds = Number(document.getElementById("numbers").dataset.refreshS);
  if (seconds) setInterval(follow, seconds * 1000);
}

begin();
