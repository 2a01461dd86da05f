"use strict";
// The page can be read without this script, which adds filters, a panel for one trial, and arrow keys in the tables.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const trials = all(".trial");
  const bodies = trials.map((trial) => trial.querySelector(".body"));
  const place = new Map(bodies.map((body, number) => [body.id, number]));
  const target = (link) => place.get(link.getAttribute("href").slice(1));

  // Tables: each link has a label with its row and column; each table has one Tab stop, and arrow keys move inside it.
  const cells = all(".matrix a");
  for (const table of all(".matrix")) {
    table.setAttribute("role", "grid");
    const consumers = all("thead th", table).map((head) => head.textContent);
    const title = table.caption.textContent;
    for (const row of table.tBodies[0].rows) {
      const producer = row.cells[0].textContent;
      for (const link of all("a", row)) {
        const consumer = consumers[link.parentElement.cellIndex - 1];
        const words = [...link.childNodes].map((node) => node.textContent.trim()).join(" ");
        link.setAttribute("aria-label", `${words}: ${title}, from ${producer} on ${consumer}`);
      }
    }
    table.addEventListener("focusin", (event) => event.target.matches("a") && settle(table, event.target));
    table.addEventListener("keydown", move);
  }
  function settle(table, chosen) {
    const links = all("a", table);
    const stop = chosen ?? links.find((link) => link.tabIndex === 0 && !link.hidden) ?? links.find((link) => !link.hidden);
    for (const link of links) link.tabIndex = link === stop ? 0 : -1;
  }
  function move(event) {
    const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    const step = steps[event.key];
    const link = event.target.closest(".matrix a");
    if (!link || event.altKey || event.metaKey || !(step || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    const rows = [...link.closest("tbody").rows];
    let column = link.parentElement.cellIndex;
    let row = rows.indexOf(link.closest("tr"));
    const free = () => all("a:not([hidden])", rows[row].cells[column]).at(0);
    if (!step) {
      if (event.ctrlKey) row = event.key === "Home" ? 0 : rows.length - 1;
      const line = all("a:not([hidden])", rows[row]);
      return void (event.key === "Home" ? line.at(0) : line.at(-1))?.focus();
    }
    do {
      row += step[0];
      column += step[1];
    } while (rows[row]?.cells[column] && !free());
    if (rows[row]?.cells[column]) free().focus();
  }

  // Filters: trials that do not match are hidden in the tables and the list, and paler in the time line.
  const form = one("filters");
  const bars = all(".lanes a");
  const passes = (trial, wish) =>
    Object.entries(wish).every(([name, value]) => {
      if (!value) return true;
      if (name !== "outcome") return trial.dataset[name] === value;
      const [kind, word] = value.split(":");
      return trial.dataset[kind].split(" ").includes(word);
    });
  function filter() {
    const wish = Object.fromEntries(new FormData(form));
    trials.forEach((trial) => (trial.hidden = !passes(trial, wish)));
    for (const link of cells) link.hidden = trials[target(link)].hidden;
    for (const bar of bars) bar.classList.toggle("off", trials[target(bar)].hidden);
    for (const table of all(".matrix")) thin(table);
    for (const panel of all(".variation")) panel.hidden = !panel.querySelector(".matrix a:not([hidden])");
    const count = trials.filter((trial) => !trial.hidden).length;
    const whole = `${trials.length} ${trials.length === 1 ? "trial" : "trials"}`;
    one("shown").textContent = count === trials.length ? whole : `${count} of ${whole}`;
    document.querySelector(".nothing").hidden = count > 0;
  }
  function thin(table) {
    const rows = [...table.tBodies[0].rows];
    const used = new Set();
    for (const row of rows) {
      const links = all("a:not([hidden])", row);
      row.hidden = !links.length;
      for (const link of links) used.add(link.parentElement.cellIndex);
    }
    for (const row of [...table.tHead.rows, ...rows]) {
      for (const cell of row.cells) cell.hidden = cell.cellIndex > 0 && !used.has(cell.cellIndex);
    }
    table.parentElement.hidden = !used.size;
    settle(table);
  }
  form?.addEventListener("change", filter);
  form?.addEventListener("reset", () => setTimeout(filter));
  form?.addEventListener("submit", (event) => event.preventDefault());
  if (form) filter();

  // A page of many trials contains their files and commands compressed; opening a trial unpacks its part.
  const store = one("store");
  let unpacked = null;
  const unpack = () => {
    const bytes = Uint8Array.from(atob(store.textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  };
  async function fill(root) {
    const spots = all(".packed", root);
    if (!spots.length) return;
    try {
      unpacked ??= unpack();
      const pieces = await unpacked;
      for (const spot of spots) {
        const piece = document.createElement("template");
        piece.innerHTML = pieces[spot.dataset.k]; // lab escaped it, and the page's policy runs no script in it
        spot.replaceWith(piece.content);
      }
    } catch {
      for (const spot of spots) spot.textContent = "This browser cannot unpack this part; it is in the run's transcript.jsonl.";
    }
  }

  // The panel: the trial's part of the page is moved into it, and moved back when the panel closes.
  const panel = one("panel");
  let shown = null;
  function show(number) {
    putBack();
    const trial = trials[number];
    const near = passing(number);
    shown = number;
    fill(bodies[number]);
    one("panel-slot").append(bodies[number]);
    const title = trial.querySelector("b").textContent;
    one("panel-title").textContent = title;
    one("panel-place").textContent = `Trial ${near.indexOf(number) + 1} of ${near.length}`;
    one("panel-said").textContent = `${one("panel-place").textContent}: ${title}`;
    for (const id of ["panel-before", "panel-after"]) one(id).hidden = near.length < 2;
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
    history.replaceState(null, "", `#${bodies[number].id}`);
  }
  function passing(number) {
    return trials.flatMap((trial, other) => (!trial.hidden || other === number ? [other] : []));
  }
  function putBack() {
    if (shown !== null) trials[shown].append(bodies[shown]);
    shown = null;
  }
  function turn(by) {
    const near = passing(shown);
    show(near.at((near.indexOf(shown) + by) % near.length));
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (target(link) === undefined) return void leave(link);
    event.preventDefault();
    show(target(link));
  });
  function leave(link) {
    if (!panel.contains(link)) return;
    panel.close();  // the target of the link is behind the panel
    const goal = one(link.getAttribute("href").slice(1));
    const details = goal?.closest("details");
    if (details) details.open = true;
    setTimeout(() => details?.querySelector("summary").focus());
  }
  panel.addEventListener("click", (event) => event.target === panel && panel.close());
  panel.addEventListener("close", () => {
    putBack();
    if (place.has(location.hash.slice(1))) history.replaceState(null, "", location.pathname + location.search);
  });
  one("panel-close").addEventListener("click", () => panel.close());
  one("panel-before").addEventListener("click", () => turn(-1));
  one("panel-after").addEventListener("click", () => turn(1));
  for (const details of all(".trial, .maker, .box")) details.addEventListener("toggle", () => details.open && fill(details));
  for (const button of all("[data-all]")) {
    button.addEventListener("click", () => {
      for (const trial of trials) trial.open = button.dataset.all === "open" && !trial.hidden;
    });
  }

  const follow = () => place.has(location.hash.slice(1)) && show(place.get(location.hash.slice(1)));
  addEventListener("hashchange", follow);
  addEventListener("load", () => (panel.scrollTop = 0)); // undoes the scroll to the anchor
  follow();
})();
