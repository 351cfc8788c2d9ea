// The pages. Each is made once and gives its root, and where it lives on: `tick` every second, `changed` with the
// requests that wait, `busy` while it must not be taken away.

import { Refusal, answer, code, enrol as enrolPhone, host, now, readLink } from './phone.js';

/** An element with attributes, listeners (`onclick`) and children. `false` and `null` are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (value !== false && value != null) {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Says a sentence to everybody: it is shown, and read aloud. An empty one clears the place. */
export function say(text) {
  const place = document.getElementById('say');
  if (place.textContent !== text) {
    place.textContent = text;
  }
}

/** A labelled text field with a hint and a place for an error. */
function field(id, label, hint, attributes = {}) {
  const error = h('p', { id: `${id}-error`, class: 'error', role: 'alert' });
  const input = h('input', {
    id, type: 'text', autocomplete: 'off', 'aria-describedby': `${id}-hint ${id}-error`, ...attributes,
  });
  const complain = (text) => {
    error.textContent = text;
    input.setAttribute('aria-invalid', text !== '');
    if (text) {
      input.focus();
    }
  };
  const whole = h('div', { class: 'field' },
    h('label', { for: id }, label), h('p', { id: `${id}-hint`, class: 'hint' }, hint), error, input);
  return { whole, input, complain };
}

/** "2:04 pm", in the words of the browser's language. */
function clock(seconds) {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(new Date(seconds * 1000));
}

/** "1 min 38 s". */
function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

const SEVERAL =
  'More than one request is waiting. If you started only one sign-in, somebody else may be trying to sign in as you. ' +
  'Compare them, and answer "No, it\'s not me" to the one that is not yours.';

/** What to do where keys cannot be kept. */
export const STORAGE =
  'This browser does not let the app keep its keys. Leave private browsing, or allow this site to store data.';

/** A form that never leaves the page. */
function form(submit, ...children) {
  const onsubmit = (event) => {
    event.preventDefault();
    submit();
  };
  return h('form', { novalidate: true, onsubmit }, ...children);
}

const pair = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));

function context({ profile, request }) {
  const ago = h('span');
  const tick = () => {
    ago.textContent = ` (${duration(now(profile) - request.created_at)} ago)`;
  };
  tick();
  const rows = h('dl', { class: 'context' },
    pair('App', request.app), pair('Location', request.location), pair('Device', request.device),
    pair('When', [clock(request.created_at), ago]));
  return { rows, tick };
}

const who = ({ profile, request }) => h('p', { class: 'who' }, h('strong', {}, profile.organisation), h('br'),
  request.account);

/** Home: what waits, and the accounts with their codes. */
export function home(app) {
  const waiting = h('div', { class: 'requests' });
  const accounts = app.profiles.map((profile) => account(app, profile));
  let shown;
  let ticks = [];
  const changed = (all) => {
    const key = all.map(({ request }) => request.id).join();
    if (key !== shown) {
      shown = key;
      ticks = [];
      waiting.replaceChildren(...(all.length ? cards(all, ticks) : [h('p', { class: 'hint' }, IDLE)]));
    }
  };
  const tick = () => [...accounts, ...ticks.map((one) => ({ tick: one }))].forEach((one) => one.tick());
  changed([]);
  tick();
  const root = h('div', {},
    h('h1', {}, 'Authenticator'),
    h('section', { 'aria-label': 'Sign-in requests' }, waiting),
    h('h2', {}, 'Accounts'),
    accounts.length ? accounts.map(({ root: one }) => one) : h('p', {}, 'There is no account on this phone yet. ' +
      'Open an enrolment link on this phone, or paste it here.'),
    h('p', {}, h('a', { class: `button ${accounts.length ? 'second' : ''}`, href: '#add' }, 'Add account')));
  return { root, tick, changed };
}

const IDLE = 'No requests. You are up to date. Keep this page open when you sign in.';

function cards(all, ticks) {
  const list = all.map((one) => {
    const { rows, tick } = context(one);
    ticks.push(tick);
    const href = `#request=${encodeURIComponent(one.request.id)}`;
    const name = `Open the request of ${clock(one.request.created_at)}, ${one.request.device}`;
    return h('li', { class: 'box', 'data-testid': 'request' }, who(one), rows,
      h('a', { class: 'button', href, 'aria-label': name }, 'Open'));
  });
  return [
    h('h2', {}, all.length > 1 ? `${all.length} sign-in requests` : 'Sign-in request'),
    all.length > 1 && h('p', { class: 'warning' }, SEVERAL),
    h('ul', { class: 'side-by-side' }, list),
  ].filter(Boolean);
}

/** One profile with its running code. */
function account(app, profile) {
  const [left, right] = [h('span'), h('span')];
  const spoken = h('span', { class: 'sr' });
  const seconds = h('span', { class: 'hint' });
  const bar = h('progress', { max: 30, 'aria-hidden': 'true' });
  const trouble = h('p', { class: 'error', hidden: true });
  const name = `${profile.label}, ${profile.account}`;
  let current = '';
  const tick = async () => {
    const { digits, left_s } = await code(profile);
    if (digits !== current) {
      current = digits;
      [left.textContent, right.textContent] = [digits.slice(0, 3), digits.slice(3)];
      spoken.textContent = [...digits].join(' ');
    }
    seconds.textContent = `changes in ${left_s} s`;
    bar.value = left_s;
    const sentence = troubles(app.watches.get(profile.id)?.trouble, profile);
    trouble.hidden = !sentence;
    trouble.textContent = sentence;
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText((await code(profile)).digits);
      say('Code copied.');
    } catch {
      say('This browser does not let the app copy. Type the code instead.');
    }
  };
  const root = h('article', { class: 'box', 'data-testid': 'profile' },
    h('h3', {}, profile.label),
    h('p', { class: 'who' }, profile.account, h('br'), h('span', { class: 'hint' }, host(profile.issuer))),
    h('p', { class: 'row' },
      h('span', { class: 'digits', 'data-testid': 'code', 'aria-hidden': 'true' }, left, right), spoken,
      h('button', { class: 'second', type: 'button', onclick: copy, 'aria-label': `Copy code, ${name}` }, 'Copy')),
    h('p', { class: 'row' }, seconds,
      h('a', { href: `#remove=${encodeURIComponent(profile.id)}`, 'aria-label': `Remove ${name}` }, 'Remove')),
    bar, trouble);
  return { root, tick };
}

function troubles(trouble, profile) {
  if (trouble === 'removed') {
    return `${host(profile.issuer)} does not know this phone any more. Remove this account here and enrol again.`;
  }
  return trouble === 'offline' ? `${host(profile.issuer)} cannot be reached. The code still works.` : '';
}

/** Add account: paste a link. */
export function add(app) {
  const link = field('link', 'Enrolment link', 'It has a # sign in it.', { inputmode: 'url' });
  const submit = () => {
    const text = link.input.value.trim();
    if (readLink(text)) {
      app.go(text.slice(text.indexOf('#') + 1));
    } else {
      link.complain('This is not a whole enrolment link. Copy all of it, with everything after the # sign.');
    }
  };
  return { root: h('div', {}, h('h1', {}, 'Add account'), form(submit, link.whole, h('button', {}, 'Continue'))) };
}

/** Enrol: who asks, what the phone is called. */
export function enrol(app, link) {
  const name = field('name', 'Name this phone', 'You will see this name in the list of your phones.',
    { maxlength: 60, value: /iPhone|iPad|Android/.exec(navigator.userAgent)?.[0] ?? 'Browser' });
  const button = h('button', {}, 'Add account');
  const error = h('p', { class: 'error', role: 'alert', 'data-testid': 'result' });
  const asks = host(link.issuer);
  const fail = (problem) => {
    button.disabled = false;
    error.textContent = problem;
  };
  const submit = async () => {
    const called = name.input.value.trim();
    name.complain(called ? '' : 'Give this phone a name.');
    if (!called) {
      return;
    }
    button.disabled = true;
    error.textContent = '';
    say('Adding the account…');
    try {
      await app.enrolled(await enrolPhone(link, called, app.profiles));
    } catch (problem) {
      say('');
      fail(enrolProblem(problem, asks));
    }
  };
  const root = h('div', {}, h('h1', {}, 'Add account'),
    h('p', {}, h('strong', {}, asks), ' asks to add an account to this phone.'),
    h('p', { class: 'hint' }, 'Continue only if you asked for this link yourself.'),
    error, form(submit, name.whole, button));
  return { root };
}

function enrolProblem(problem, asks) {
  if (problem.code === 'no_storage') {
    return `${STORAGE} The link was not used.`;
  }
  if (problem.code === 'invalid_token') {
    return 'This link was used before, has expired or is not complete. Ask for a new one.';
  }
  return problem instanceof Refusal ? problem.message
    : `${asks} cannot be reached from this app. Check that you are online, then try again.`;
}

/** Request: the one question. */
export function request(app, found) {
  const { rows, tick: ago } = context(found);
  const left = h('p', { class: 'hint' });
  const other = h('p', { class: 'warning', hidden: true }, SEVERAL, ' ', h('a', { href: '#' }, 'Compare them'));
  const unseen = h('p', { class: 'note', role: 'status', hidden: true });
  const error = h('p', { class: 'error', role: 'alert' });
  const number = field('number', 'Enter the number shown to sign in',
    'Two digits, in the browser where you are signing in. Then press Yes.', { inputmode: 'numeric', class: 'number' });
  const yes = h('button', { disabled: true }, 'Yes');
  const no = h('button', { type: 'button', class: 'second' }, 'No, it\'s not me');
  const blind = h('button', { type: 'button', class: 'quiet' }, 'I can\'t see the number');
  const typed = () => number.input.value.replace(/[\s-]/g, '');
  const sending = sender(app, found, [yes, no, blind], error);
  number.input.addEventListener('input', () => {
    yes.disabled = !typed();
    number.complain('');
  });
  no.addEventListener('click', () => app.go(`decline=${encodeURIComponent(found.request.id)}`));
  blind.addEventListener('click', () => {
    unseen.hidden = false;
    unseen.textContent = 'Go back to the page where you are signing in: it shows the number. ' +
      'If you are not signing in now, choose "No, it\'s not me". Nothing was sent.';
  });
  const submit = () => {
    if (/^[0-9]{2}$/.test(typed())) {
      sending.send('approve', typed());
    } else {
      number.complain('Enter the two digits that the browser shows.');
    }
  };
  const tick = () => {
    ago();
    left.textContent = `This request ends in ${duration(found.request.expires_at - now(found.profile))}.`;
  };
  tick();
  const root = h('div', { 'data-testid': 'request' },
    h('h1', {}, 'Are you trying to sign in?'), who(found), other, rows,
    form(submit, number.whole, error, yes), no, blind, unseen, left);
  const changed = (all) => {
    other.hidden = all.length < 2;
  };
  return { root, tick, changed, busy: sending.busy };
}

/** Sends one decision at a time; the same one again sends the same bytes. */
function sender(app, { profile, request: asked }, buttons, error) {
  let busy = false;
  let last = {};
  const send = async (decision, number) => {
    if (busy) {
      return;
    }
    busy = true;
    buttons.forEach((button) => { button.disabled = true; });
    error.textContent = '';
    say('Sending your answer…');
    if (last.decision !== decision || last.number !== number) {
      last = { decision, number, send: answer(profile, asked, decision, number) };
    }
    try {
      const { result: word } = await last.send();
      app.finish(asked, ENDS[word]);
    } catch (problem) {
      if (problem.final) {
        app.finish(asked, ENDS[problem.code] ?? ['Your answer did not count', problem.message]);
        return;
      }
      busy = false;
      buttons.forEach((button) => { button.disabled = false; });
      say('');
      error.textContent = problem instanceof Refusal ? problem.message
        : `${host(profile.issuer)} cannot be reached. Press the button again; your answer counts once.`;
    }
  };
  return { send, busy: () => busy };
}

const UNAPPROVED = 'Nothing was approved. To sign in, get a new number in the browser.';
/** Titles and sentences for how a request ends. */
export const ENDS = {
  approved: ['Approved', 'Go back to the browser. It moves on by itself.'],
  declined: ['Declined', 'You have stopped this sign-in. Nothing else changes.'],
  reported: ['Declined and reported', 'You have stopped this sign-in. Your account is on hold until an administrator ' +
    'releases it. Call your help desk, and say that you reported a sign-in request.'],
  wrong_number: ['That is not the number on the computer', UNAPPROVED],
  expired: ['This request has ended', UNAPPROVED],
  already_answered: ['This request was answered before', 'On this phone or another. Your answer did not count.'],
  gone: ['This request is not waiting any more', 'It was answered elsewhere, or the sign-in was given up.'],
};

/** "No, it's not me": declined, or reported as well. Nothing is sent before "Continue". */
export function decline(app, found) {
  const error = h('p', { class: 'error', role: 'alert' });
  const button = h('button', {}, 'Continue');
  const sending = sender(app, found, [button], error);
  const choice = (value, label, text) => h('div', { class: 'choice' },
    h('input', { type: 'radio', name: 'report', id: value, value, 'aria-describedby': `${value}-hint` }),
    h('label', { for: value }, label), h('p', { class: 'hint', id: `${value}-hint` }, text));
  const choices = h('fieldset', {}, h('legend', {}, 'Do you want to report it?'),
    choice('report', 'Report', 'Somebody may know my details. My account is put on hold until an administrator ' +
      'releases it, and those who look after security are told.'),
    choice('decline', 'Don\'t report', 'This sign-in is refused, and nothing else happens.'));
  const submit = () => {
    const chosen = choices.querySelector(':checked');
    if (chosen) {
      sending.send(chosen.value);
    } else {
      error.textContent = 'Choose "Report" or "Don\'t report".';
      choices.querySelector('input').focus();
    }
  };
  const root = h('div', {}, h('h1', {}, 'Stop this sign-in'), who(found),
    form(submit, choices, error, button),
    h('p', {}, h('a', { href: `#request=${encodeURIComponent(found.request.id)}` }, 'Back to the request')));
  return { root, busy: sending.busy };
}

/** How it ended. */
export function result(app, [title, text]) {
  return {
    root: h('div', { class: title === ENDS.approved[0] && 'good', 'data-testid': 'result' },
      h('h1', {}, title), h('p', {}, text),
      h('button', { type: 'button', onclick: () => app.replace('') }, 'Done')),
  };
}

/** Remove a profile, after a question. */
export function remove(app, profile) {
  const forget = () => app.forget(profile);
  return {
    root: h('div', {}, h('h1', {}, 'Remove this account?'),
      h('p', { class: 'who' }, h('strong', {}, profile.label), h('br'), profile.account, h('br'),
        host(profile.issuer)),
      h('p', {}, 'This phone then approves no sign-ins and shows no codes for it. Only a new link brings it ' +
        'back. The server still lists this phone.'),
      h('button', { type: 'button', class: 'bad', onclick: forget }, 'Remove'),
      h('a', { class: 'button second', href: '#' }, 'Keep')),
  };
}
