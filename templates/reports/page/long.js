"use strict";
// The page of a run with thousands of trials: only one part of the list is in the document, and a trial is unpacked when it is opened.
(() => {
  const one = (id) => document.getElementById(id);
  const form = one("filters");
  const panel = one("panel");
  const stores = [...document.querySelectorAll(".store")];
  const unpacked = new Map(); // by the number of the store: a promise of its pieces; the latest few are kept
  const PAGE = 100;
  const KEPT = 4;
  let data = null; // words by name, and one row of numbers for each trial
  let near = []; // the places of the trials that pass the filters
  let page = 0;
  let shown = null;

  const unpack = (store) => {
    const bytes = Uint8Array.from(atob(store.textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  };
  async function piece(place) {
    const number = Math.floor(place / data.chunk);
    const found = unpacked.get(number) ?? unpack(stores[number]);
    unpacked.delete(number);
    unpacked.set(number, found);
    if (unpacked.size > KEPT) unpacked.delete(unpacked.keys().next().value);
    return (await found)[place % data.chunk];
  }
  const word = (name, place) => data.words[name][data.rows[place][data.fields.indexOf(name)]];
  const title = (place) => `${word("producer", place)} → ${word("consumer", place)}`;

  function filter() {
    const wish = [...new FormData(form)].filter(([, value]) => value);
    const tests = wish.map(([name, value]) => [data.fields.indexOf(name), Number(value)]);
    near = data.rows.flatMap((row, place) => (tests.every(([field, value]) => row[field] === value) ? [place] : []));
    const whole = `${data.rows.length} trials`;
    one("shown").textContent = near.length === data.rows.length ? whole : `${near.length} of ${whole}`;
    turnTo(0);
  }
  function turnTo(number) {
    page = number;
    const places = near.slice(page * PAGE, (page + 1) * PAGE);
    one("rows").replaceChildren(...places.map(row));
    const last = Math.min(near.length, (page + 1) * PAGE);
    one("rows-place").textContent = near.length ? `Rows ${page * PAGE + 1} to ${last} of ${near.length}` : "No trial matches these filters.";
    one("rows-before").disabled = page === 0;
    one("rows-after").disabled = last >= near.length;
  }
  function cell(text, name = "") {
    const made = document.createElement("td");
    made.textContent = text;
    made.className = name;
    return made;
  }
  function row(place) {
    const made = document.createElement("tr");
    const link = document.createElement("a");
    link.href = `#t${place + 1}`;
    link.textContent = title(place);
    const first = cell("");
    first.append(link);
    const chip = document.createElement("span");
    chip.className = `chip ${data.looks[data.rows[place][data.fields.indexOf("verdict")]]}`;
    chip.textContent = word("verdict", place);
    const last = cell("");
    last.append(chip);
    made.append(cell(place + 1, "number"), first, cell(word("engine", place)), cell(word("variation", place)), cell(word("result", place)), last);
    return made;
  }

  async function open(place) {
    const isTrial = place < data.rows.length;
    shown = isTrial ? place : shown;
    const name = isTrial ? title(place) : "How the image was built and pushed";
    const at = near.indexOf(place);
    one("panel-title").textContent = name;
    one("panel-place").textContent = at < 0 ? "" : `Trial ${at + 1} of ${near.length}`;
    one("panel-said").textContent = `${one("panel-place").textContent}: ${name}`;
    for (const id of ["panel-before", "panel-after"]) one(id).hidden = at < 0 || near.length < 2;
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
    history.replaceState(null, "", isTrial ? `#t${place + 1}` : `#m${place - data.rows.length + 1}`);
    const slot = one("panel-slot");
    try {
      slot.innerHTML = await piece(place); // escaped together with the page, whose policy runs no script in it
    } catch {
      slot.textContent = "This browser cannot unpack the trial; transcript.jsonl has it.";
    }
  }
  function turn(by) {
    open(near.at((near.indexOf(shown) + by) % near.length));
  }
  function follow(hash) {
    const [, kind, text] = /^#([tmf])([0-9]+)$/.exec(hash) ?? [];
    const number = Number(text);
    if (kind === "t" && number >= 1 && number <= data.rows.length) open(number - 1);
    else if (kind === "m" && number >= 1 && number <= data.makers) open(data.rows.length + number - 1);
    else if (kind === "f" && number < data.rows.length) {
      for (const name of ["variation", "engine"]) form.elements[name].value = data.rows[number][data.fields.indexOf(name)];
      filter();
      one("trials-title").scrollIntoView();
    } else return false;
    return true;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!data || !link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (follow(link.getAttribute("href"))) event.preventDefault();
  });
  panel.addEventListener("click", (event) => event.target === panel && panel.close());
  panel.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  one("panel-close").addEventListener("click", () => panel.close());
  one("panel-before").addEventListener("click", () => turn(-1));
  one("panel-after").addEventListener("click", () => turn(1));
  one("rows-before").addEventListener("click", () => turnTo(page - 1));
  one("rows-after").addEventListener("click", () => turnTo(page + 1));
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  unpack(one("index")).then((found) => {
    data = found;
    filter();
    follow(location.hash);
    addEventListener("hashchange", () => follow(location.hash));
  }, () => (one("rows-place").textContent = "This browser cannot unpack the list; run.json has it."));
})();
