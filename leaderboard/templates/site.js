// The site's own behaviour: theme, filters, sortable tables and samples loaded shard by shard.
// Everything is readable without it.
"use strict";

function setUpTheme() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  document.getElementById("theme")?.addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    try { localStorage.setItem("sat-theme", root.dataset.theme); } catch { /* private window */ }
  });
}

// ---- index: sortable tables and filters; the address keeps their state

const FILTERS = ["search", "protocol", "access", "size", "badge"];

function readState() {
  const asked = [...new URLSearchParams(location.hash.slice(1))];
  return Object.fromEntries(asked.filter(([name]) => name === "benchmark" || FILTERS.includes(name)));
}

function writeState(state) {
  const kept = Object.entries(state).filter(([, value]) => value);
  history.replaceState(null, "", kept.length ? "#" + new URLSearchParams(kept) : location.pathname + location.search);
}

function sizeMatches(wanted, size) {
  if (!wanted) return true;
  if (wanted === "unknown" || size === "") return wanted === "unknown" && size === "";
  const [low, high] = wanted.split("-").map(Number);
  return Number(size) >= low && Number(size) < high;
}

function rowMatches(row, state) {
  return (!state.access || row.dataset.access === state.access)
    && (!state.badge || row.dataset.badge === state.badge)
    && sizeMatches(state.size, row.dataset.size)
    && (!state.search || row.querySelector("th").textContent.toLowerCase().includes(state.search.toLowerCase()));
}

// What a cell is sorted by: the accuracy of its bar, or the number that it starts with.
function cellValue(cell) {
  const figure = cell.style.getPropertyValue("--p") || cell.textContent.replace("\u2212", "-");
  const value = parseFloat(figure);
  return Number.isNaN(value) ? -1e9 : value;
}

// Large tables come without the ends of their bars; they stand in the cell as text.
function drawBars(table) {
  for (const cell of table.querySelectorAll("td.s:not([style])")) {
    const [accuracy, ends] = [...cell.children].map((child) => child.textContent);
    cell.style.setProperty("--p", parseFloat(accuracy));
    const interval = ends?.match(/([\d.]+)\u2013([\d.]+)/);
    if (interval) {
      cell.style.setProperty("--l", interval[1]);
      cell.style.setProperty("--h", interval[2]);
    }
  }
}

function setUpTables() {
  const DataTable = SatTables.jQuery.fn.dataTable;
  const boards = [...document.querySelectorAll(".board")];
  let state = {};
  DataTable.ext.search.push((settings, _data, index) => rowMatches(settings.aoData[index].nTr, state));
  DataTable.ext.order.figure = function (_settings, column) {
    const cells = this.api().column(column, { order: "index" }).nodes();
    const missing = column === 0 ? 1e9 : -1e9; // the unranked come last
    return cells.map((cell) => { const value = cellValue(cell); return value === -1e9 ? missing : value; });
  };
  DataTable.ext.order.name = function (_settings, column) {
    const cells = this.api().column(column, { order: "index" }).nodes();
    return cells.map((cell) => cell.querySelector("a").textContent.toLowerCase());
  };
  for (const board of boards) {
    const table = board.querySelector("table");
    const rows = table.tBodies[0].rows.length;
    drawBars(table);
    board.table = new DataTable.Api(new SatTables.ITable(table, {
      paging: rows > 100, pageLength: 50, order: [], autoWidth: false, info: false,
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: rows > 100 ? "paging" : null },
      columnDefs: [
        { targets: 0, orderSequence: ["asc", "desc"] },
        { targets: 1, orderSequence: ["asc", "desc"], orderDataType: "name", type: "string" },
        { targets: "_all", orderSequence: ["desc", "asc"], orderDataType: "figure", type: "num" },
      ],
      language: { zeroRecords: "No model matches these filters." },
    }).dt);
  }
  function apply() {
    for (const button of document.querySelectorAll("button[data-benchmark]")) {
      button.setAttribute("aria-pressed", String(button.dataset.benchmark === (state.benchmark || "")));
    }
    for (const name of FILTERS) document.getElementById("f-" + name).value = state[name] || "";
    let shown = 0;
    for (const board of boards) {
      const section = board.closest(".benchmark");
      const here = (!state.benchmark || section.dataset.benchmark === state.benchmark)
        && (!state.protocol || board.dataset.protocol === state.protocol);
      board.table.draw();
      const count = board.table.rows({ search: "applied" }).count();
      board.hidden = !here || !count;
      shown += board.hidden ? 0 : count;
    }
    for (const section of document.querySelectorAll(".benchmark")) {
      section.hidden = !section.querySelector(".board:not([hidden])");
    }
    document.getElementById("f-none").hidden = shown > 0;
    document.getElementById("f-count").textContent = `${shown} ${shown === 1 ? "line" : "lines"}`;
  }
  function change(changes) {
    state = { ...state, ...changes };
    writeState(state);
    apply();
  }
  for (const name of FILTERS) {
    const control = document.getElementById("f-" + name);
    control.addEventListener(control.tagName === "SELECT" ? "change" : "input", () => change({ [name]: control.value }));
  }
  for (const button of document.querySelectorAll("button[data-benchmark]")) {
    button.addEventListener("click", () => change({ benchmark: button.dataset.benchmark }));
  }
  document.getElementById("f-reset").addEventListener("click", () => { state = {}; change({}); });
  addEventListener("hashchange", () => {
    if (location.hash && !location.hash.includes("=")) return; // a place on the page
    state = readState();
    apply();
  });
  state = readState();
  apply();
}

// ---- charts: drawn while building, loaded when they come near

function setUpCharts() {
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !target.open) continue;
      near.unobserve(target);
      loadShard(target.dataset.charts, 0).then((charts) => showCharts(target, charts));
    }
  }, { rootMargin: "200px" });
  for (const details of document.querySelectorAll("details[data-charts]")) {
    near.observe(details);
    details.addEventListener("toggle", () => { near.unobserve(details); near.observe(details); }, { once: true });
  }
}

function showCharts(details, charts) {
  const box = details.querySelector(".charts");
  if (box.childElementCount) return;
  for (const { caption, svg } of charts) {
    const figure = document.createElement("figure");
    figure.tabIndex = 0; // on a phone it scrolls sideways
    figure.append(Object.assign(document.createElement("figcaption"), { textContent: caption }));
    figure.append(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement);
    box.append(figure);
  }
  for (const mark of box.querySelectorAll('[role="graphics-symbol"][aria-roledescription$="mark"][aria-label]')) {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = mark.getAttribute("aria-label");
    mark.prepend(title);
  }
}

setUpTheme();
setUpCharts();
if (document.querySelector("table.figures[data-board]") && document.getElementById("f-search")) setUpTables();
