import { follow, send, turn } from './feed.js';

const MEANINGS = {
  hit: 'from the cache', ran: 'built again', 'wrong-hit': 'from the cache, with wrong content', error: 'failed',
  unknown: 'not read',
};
const SIGNS = { hit: '✓', ran: '↻', 'wrong-hit': '⚠', error: '✗', unknown: '?' };
const by = (id) => document.getElementById(id);
const made = (name, text = '', classes = '') => {
  const element = document.createElement(name);
  element.textContent = text;
  if (classes) element.className = classes;
  return element;
};

const chip = (outcome) => made('span', `${SIGNS[outcome] ?? '?'} ${outcome}`, `chip ${outcome}`);

function cell(row, outcome) {
  const cell = made('td');
  if (outcome) cell.append(chip(outcome));
  else cell.append(made('span', row.state === 'running' ? '… runs' : '–', row.state));
  return cell;
}

function table(data) {
  const table = made('table'), head = made('tr');
  table.append(made('caption', `${data.scenario}: ${data.made} of ${data.rows.length} trials`));
  for (const title of ['variation', ...data.steps]) {
    const th = made('th', title);
    th.scope = 'col';
    head.append(th);
  }
  const body = made('tbody');
  for (const row of data.rows) {
    const line = made('tr', '', row.state), name = made('th', row.variation);
    name.scope = 'row';
    if (row.engines) name.append(made('span', row.engines, 'engines'));
    line.append(name);
    line.append(...row.outcomes.map((outcome) => cell(row, outcome)));
    body.append(line);
  }
  const top = made('thead');
  top.append(head);
  table.append(top, body);
  return table;
}

function legend(data) {
  const seen = new Set(data.rows.flatMap((row) => row.outcomes));
  return Object.entries(MEANINGS).filter(([outcome]) => seen.has(outcome)).map(([outcome, meaning]) => {
    const item = made('li');
    item.append(chip(outcome), ` ${meaning}`);
    return item;
  });
}

function bars(state) {
  const counts = state.counts ?? {}, most = Math.max(1, ...Object.values(counts));
  for (const item of document.querySelectorAll('[data-choice]')) {
    const count = counts[item.dataset.choice] ?? 0, right = item.dataset.choice === state.right;
    item.querySelector('.number').textContent = count;
    item.querySelector('.bar').style.width = `${100 * count / most}%`;
    item.querySelector('.right').hidden = !right;
    item.classList.toggle('is-right', right);
  }
}

let drawn = '', acted = false;
follow('/screen/events', (state) => {
  turn(state.stage);
  for (const item of document.querySelectorAll('[data-now]')) {
    if (item.dataset.now.split(' ').includes(state.stage)) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  }
  by('joined').textContent = by('of').textContent = state.joined;
  by('joined-word').textContent = state.joined === 1 ? 'has joined' : 'have joined';
  by('predicted').textContent = by('voted').textContent = state.predicted;
  by('problem').textContent = state.problem;
  by('problem').hidden = !state.problem;
  by('status').textContent = state.stage === 'run' && !state.table ? state.status || 'The run is prepared.' : '';
  bars(state);
  const now = JSON.stringify(state.table);
  if (now !== drawn) {
    by('table').replaceChildren(...(state.table ? [table(state.table)] : []));
    by('legend').replaceChildren(...(state.table ? legend(state.table) : []));
    drawn = now;
  }
  by('table').hidden = by('legend').hidden = !state.table;
  by('about').hidden = Boolean(state.table);
  // made by the server of the lesson's Markdown, in which HTML is text; the policy lets no script of it run
  for (const [name, text] of Object.entries(state.texts ?? {})) if (!by(name).hasChildNodes()) by(name).innerHTML = text;
  for (const button of document.querySelectorAll('[data-action]')) button.hidden = !state.actions.includes(button.dataset.action);
  if (by('control')) by('control').hidden = !state.actions.length;
  // a hidden button loses the focus: the next one gets it, so that one key leads through the lesson
  const at = document.activeElement;
  if (acted && (at === document.body || at.closest('[hidden]'))) document.querySelector('[data-action]:not([hidden])')?.focus();
});

for (const button of document.querySelectorAll('[data-action]')) button.addEventListener('click', async () => {
  const refused = by('refused');
  refused.hidden = acted = true;
  let problem = '';
  try {
    const answer = await send('/act', { action: button.dataset.action });
    if (!answer.ok) problem = await answer.text();
  } catch { problem = 'No connection. Try again.'; }
  refused.textContent = problem;
  refused.hidden = !problem;
});
