// The events of the room: each `state` is the whole state, so a page that was asleep or cut off shows the present one.
const SILENCE = 45_000; // three beats of the server
const AGAIN = 3_000;

export function follow(address, show) {
  const link = document.getElementById('link');
  let source, heard, over = false;
  const say = (text) => { link.textContent = text; link.hidden = !text; };
  const open = () => {
    source?.close();
    heard = Date.now();
    source = new EventSource(address);
    source.addEventListener('state', (event) => { heard = Date.now(); say(''); show(JSON.parse(event.data)); });
    source.addEventListener('beat', () => { heard = Date.now(); say(''); });
    source.addEventListener('end', () => { over = true; source.close(); say('The lesson has ended.'); });
    source.onerror = () => {
      if (over) return;
      say('No connection. This page tries again.');
      if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN);
    };
  };
  // the server refused the stream: after its restart this page must be loaded anew; else it only has to wait
  const again = async () => {
    try {
      const answer = await fetch(address, { method: 'HEAD' });
      if (answer.status === 403) location.reload();
      else open();
    } catch { setTimeout(again, AGAIN); }
  };
  const check = () => { if (!over && Date.now() - heard > SILENCE) open(); };
  setInterval(check, AGAIN);
  document.addEventListener('visibilitychange', check);
  addEventListener('pageshow', (event) => { if (event.persisted && !over) open(); });
  open();
}

// Show each part that belongs to the stage.
export function turn(stage) {
  document.body.dataset.stage = stage;
  for (const part of document.querySelectorAll('[data-on]')) part.hidden = !part.dataset.on.split(' ').includes(stage);
}

export function send(address, values) {
  return fetch(address, { method: 'POST', body: new URLSearchParams(values) });
}
