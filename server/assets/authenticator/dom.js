// Elements without markup in strings: what a server says is always text.

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
export function field(id, label, hint, attributes = {}) {
  const error = h('p', { id: `${id}-error`, class: 'error', role: 'alert' });
  const input = h('input', {
    id, type: 'text', autocomplete: 'off', 'aria-describedby': `${id}-hint ${id}-error`, ...attributes,
  });
  const complain = (text) => {
    error.textContent = text;
    input.toggleAttribute('aria-invalid', Boolean(text));
    if (text) {
      input.setAttribute('aria-invalid', 'true');
      input.focus();
    }
  };
  const whole = h('div', { class: 'field' },
    h('label', { for: id }, label), h('p', { id: `${id}-hint`, class: 'hint' }, hint), error, input);
  return { whole, input, complain };
}

/** "2:04 pm", in the words of the browser's language. */
export function clock(seconds) {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(new Date(seconds * 1000));
}

/** "1 min 38 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
