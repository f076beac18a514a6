// The page works without this file. It adds the chart, choosing without a button, and following new calls.
"use strict";

(() => {
  const SERIES = [
    // drawn from the ground up; each reads its count from a cell of the table, so chart and table cannot differ
    { cell: "inTime", words: () => document.querySelector(".legend .in-time").textContent, colour: "--good" },
    { cell: "late", words: () => "answered later", colour: "--late" },
    { cell: "missed", words: () => "missed", colour: "--bad" },
    { cell: "short", words: () => "hung up at once", colour: "--short" },
    { cell: "other", words: () => "other", colour: "--line" },
  ];
  const QUARTER_S = 900;
  let chart = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const readTable = () => {
    const rows = [...document.querySelectorAll("#quarters tbody tr")];
    const cell = (row, name) => Number([...row.cells].find((td) => name in td.dataset).textContent);
    return {
      times: rows.map((row) => Number(row.dataset.at)),
      counts: SERIES.map((series) => rows.map((row) => cell(row, series.cell))),
    };
  };

  const stack = (counts) => {
    const tops = [];
    counts.forEach((row, index) => tops.push(row.map((count, at) => count + (index ? tops[index - 1][at] : 0))));
    return tops;
  };

  const hint = (box, data, clock) => {
    const note = document.createElement("div");
    note.className = "hint";
    note.hidden = true;
    box.append(note);
    return (plot) => {
      const at = plot.cursor.idx;
      note.hidden = at == null || plot.cursor.left < 0;
      if (note.hidden) return;
      const title = document.createElement("b");
      title.textContent = `${clock(data.times[at])}–${clock(data.times[at] + QUARTER_S)}`;
      const lines = SERIES.flatMap((series, index) => {
        const count = data.counts[index][at];
        if (!count) return [];
        const line = document.createElement("span");
        line.append(series.words(), ` ${count}`);
        return [line];
      });
      note.replaceChildren(title, ...(lines.length ? lines : ["no calls"]));
      const left = plot.valToPos(data.times[at], "x") + plot.over.offsetLeft;
      note.style.left = `${Math.min(left + 24, box.clientWidth - note.offsetWidth - 4)}px`;
      note.style.top = "8px";
    };
  };

  const draw = () => {
    const box = document.getElementById("chart");
    if (chart) chart.destroy();
    chart = null;
    if (!box || !window.uPlot) return;
    box.replaceChildren();
    const zone = box.dataset.timeZone;
    const format = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
    const clock = (seconds) => format.format(new Date(seconds * 1000));
    const data = readTable();
    const tops = stack(data.counts);
    const bars = window.uPlot.paths.bars({ size: [0.72, 44], align: 1, radius: 0.12 });
    const axis = { stroke: colour("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const last = data.times.length - 1;
    chart = new window.uPlot(
      {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        hooks: { setCursor: [hint(box, data, clock)] },
        scales: {
          x: { time: true, range: () => [data.times[0], data.times[last] + QUARTER_S] },
          y: { range: (_, low, high) => [0, Math.max(4, Math.ceil(high * 1.08))] },
        },
        axes: [
          { ...axis, grid: { show: false }, values: (_, splits) => splits.map(clock), incrs: [900, 1800, 3600, 7200, 10800, 21600], space: 56 },
          { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], space: 44 },
        ],
        // the tallest first: each shorter one is drawn over it and leaves its own part showing
        series: [{}, ...SERIES.map((series) => ({ fill: colour(series.colour), width: 0, paths: bars, points: { show: false } })).reverse()],
      },
      [data.times, ...tops.slice().reverse()],
      box,
    );
  };

  const follow = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [old, next] = [document.querySelector("main"), fresh.querySelector("main")];
      if (!next || old.contains(document.activeElement)) return;  // somebody is reading a part of it by keyboard
      old.querySelectorAll("details[id]").forEach((details) => {
        const twin = next.querySelector(`#${details.id}`);
        if (twin) twin.open = details.open;
      });
      const scrolled = [...old.querySelectorAll(".scroll")].map((part) => [part.scrollLeft, part.scrollTop]);
      old.replaceWith(document.adoptNode(next));
      document.title = fresh.title;
      document.querySelectorAll(".scroll").forEach((part, index) => {
        if (scrolled[index]) [part.scrollLeft, part.scrollTop] = scrolled[index];
      });
      draw();
    } catch {
      // the sink is away for a moment: the page keeps what it shows and asks again
    }
  };

  const start = () => {
    document.documentElement.classList.add("js");
    const table = document.getElementById("day-table");
    if (table && window.uPlot) table.open = false;
    draw();
    const form = document.querySelector(".choose");
    if (form) form.addEventListener("change", (event) => event.target.value && form.requestSubmit());
    const openTarget = () => {
      const target = location.hash && document.getElementById(location.hash.slice(1));
      if (target && target.tagName === "DETAILS") target.open = true;
    };
    addEventListener("hashchange", openTarget);
    openTarget();
    let waiting = 0;
    addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(draw, 120);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    const seconds = Number(document.querySelector("main").dataset.refreshS);
    if (seconds) setInterval(follow, seconds * 1000);
  };

  start();
})();
