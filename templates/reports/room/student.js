import { follow, send, turn } from './feed.js';

const buttons = [...document.querySelectorAll('#choices button')];
const said = document.getElementById('said');
let open = false;

function words({ stage, choice, right }) {
  if (stage === 'predict') return choice ? 'Kept. You can change it until the predictions are closed.' : 'What do you predict?';
  if (stage === 'reveal' && right) {
    if (!choice) return 'The run shows the marked answer.';
    return choice === right ? 'The run shows what you predicted.' : 'The run shows another answer than yours.';
  }
  if (stage === 'reveal') return 'The run shows none of these answers alone.';
  if (stage === 'closed') return choice ? 'Kept. The predictions are closed.' : 'The predictions are closed.';
  return 'Look at the projector: the run is there.';
}

follow('/events', (state) => {
  turn(state.stage);
  open = state.stage === 'predict';
  for (const button of buttons) {
    const mine = button.value === state.choice, right = button.value === state.right;
    button.setAttribute('aria-pressed', String(mine));
    button.setAttribute('aria-disabled', String(!open)); // not `disabled`, which would take the focus away
    button.classList.toggle('is-right', right);
    button.querySelector('i').textContent = [mine ? '● yours' : '', right ? '✓ the run shows this' : ''].filter(Boolean).join('  ');
  }
  said.textContent = words(state);
});

for (const button of buttons) button.addEventListener('click', async () => {
  if (!open) return;
  try {
    const answer = await send('/predict', { choice: button.value });
    if (!answer.ok) said.textContent = 'Not kept: the predictions are closed.';
  } catch { said.textContent = 'Not kept: no connection. Try again.'; }
});
