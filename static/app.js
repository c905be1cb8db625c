/* What every page gains with JavaScript: keys, menus, copy buttons, toasts. Everything also works without it.
   list.js and decide.js build on the object desk.
   data-key="a"      the key that clicks this          data-key-focus="/"  the key that focuses this
   data-commits="x"  Ctrl+Enter sends its form, and does x
   data-copy="text"  copies the text                   data-toast="6"      leaves after so many seconds */
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const announce = (text) => { const box = $('#announcer'); if (box) { box.textContent = ''; setTimeout(() => { box.textContent = text; }, 50); } };
  const visible = (element) => !!element && element.getClientRects().length > 0;
  const typing = (element) => element.matches('textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio]):not([type=button])');

  // Keys: pages take theirs first (key in lower case -> whether it was taken), then whatever shows data-key ----------
  const takers = [], escapes = [], explained = [];
  window.desk = {
    $, $$, announce, visible, typing,
    touched: Date.now(), // when somebody last pressed a key or a button here
    beat: (seconds, act) => { setInterval(() => { if (!document.hidden) act(); }, seconds * 1000); document.body.addEventListener('seen', act); },
    onKey: (take) => takers.push(take), // take(key) of keys outside fields: true takes it, 'leave' leaves it to the browser alone
    onEscape: (close) => escapes.push(close), // close() answers whether it closed something
    onHelp: (lines) => explained.push(lines), // lines() for the list of keys: [does, keys]
  };
  const keyed = (key) => $$(`[data-key="${CSS.escape(key)}"]`).find(visible);
  function help() {
    const dialog = $('#keys');
    if (!dialog || dialog.open) return;
    const lines = [['Find', 'Ctrl K'], ['Close, back one step', 'Esc']].filter(([does]) => does !== 'Find' || $('#find'));
    if ($('[data-commits]')) lines.push([$('[data-commits]').dataset.commits, 'Ctrl Enter']);
    explained.forEach((more) => lines.push(...more()));
    $$('[data-key-focus]').filter(visible).forEach((field) => lines.push([field.getAttribute('aria-label'), field.dataset.keyFocus]));
    $$('[data-key]').filter(visible).forEach((control) => {
      const text = control.getAttribute('aria-label') || [...control.childNodes].filter((node) => node.nodeName !== 'KBD').map((node) => node.textContent).join('');
      lines.push([text.trim(), control.dataset.key.toUpperCase()]);
    });
    $$('[data-go]').filter(visible).forEach((link) => lines.push([`Go to ${$('.label', link).textContent}`, `G ${link.dataset.go.toUpperCase()}`]));
    $('tbody', dialog).replaceChildren(...lines.map(([does, keys]) => {
      const line = document.createElement('tr');
      line.insertCell().textContent = does;
      keys.split(' ').forEach((key, i) => { if (!i) line.insertCell(); line.lastChild.append(Object.assign(document.createElement('kbd'), { textContent: key })); });
      return line;
    }));
    dialog.showModal();
  }

  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    const take = () => { event.preventDefault(); };
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === 'k' && $('#find')) { take(); $('#find').click(); return; }
    const commit = (event.ctrlKey || event.metaKey) && key === 'Enter' && $('[data-commits]');
    if (commit) { take(); commit.form.requestSubmit(commit); return; }
    if (key === 'Escape') {
      const menu = $('details.menu[open]');
      if (menu) { menu.open = false; $('summary', menu).focus(); } else if (!escapes.some((close) => close())) { if (typing(target)) target.blur(); else if (!$('dialog[open]')) $('[data-back]')?.click(); }
      return;
    }
    const keys = document.documentElement.dataset.shortcuts; // on, with Alt, off
    if (event.ctrlKey || event.metaKey || keys === 'off' || event.altKey !== (keys === 'alt') || typing(target) || $('dialog[open]')) return;
    // With Alt some keyboards write another character than the key has.
    const low = keys === 'alt' && /^Key[A-Z]$/.test(event.code) ? event.code[3].toLowerCase() : key.toLowerCase();
    for (const page of takers) {
      const answer = page(low);
      if (answer === true) take();
      if (answer) return;
    }
    const field = $$(`[data-key-focus="${CSS.escape(key)}"]`).find(visible);
    if (field) { take(); field.focus(); field.select(); return; }
    const control = keyed(low);
    if (control) { take(); control.click(); }
  });

  // Somebody is there: what a page asks by itself says X-Idle when nobody was, and then keeps nothing open ----------
  ['keydown', 'pointerdown'].forEach((kind) => document.addEventListener(kind, (event) => { if (event.isTrusted) desk.touched = Date.now(); }, true));

  // Clicks -------------------------------------------------------------------------------------------------
  document.addEventListener('click', (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on('[data-help]')) help();
    if (on('[data-close]') && on('dialog')) { event.preventDefault(); on('dialog').close(); }
    if (on('[data-dismiss]')) on('[data-toast]').remove();
    const copy = on('[data-copy]');
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => announce(`Copied ${copy.dataset.copy}`), () => announce('Could not copy'));
  });
  // A menu closes when somebody goes elsewhere, so it never covers what has the focus.
  ['click', 'focusin'].forEach((kind) => document.addEventListener(kind, ({ target }) => $$('details.menu[open]').forEach((menu) => { if (!menu.contains(target)) menu.open = false; })));

  // Forms: sent once -------------------------------------------------------------------------------------------
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.id === 'rail') { // the menu's width changes at once and is remembered behind it
      event.preventDefault();
      $('.shell').classList.toggle('is-rail', event.submitter.value === 'on');
      fetch(form.action, { method: 'post', body: new FormData(form, event.submitter), redirect: 'manual' });
      return;
    }
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method !== 'post') return;
    form.dataset.sent = '1';
    const button = event.submitter, words = button ? [...button.childNodes] : [];
    const wait = setTimeout(() => { if (!button) return; button.setAttribute('aria-disabled', 'true'); if (button.dataset.busy) button.textContent = button.dataset.busy; }, 300);
    // A page that stays open after the answer can send it again.
    form.addEventListener('desk:again', () => { delete form.dataset.sent; clearTimeout(wait); if (button) { button.removeAttribute('aria-disabled'); button.replaceChildren(...words); } }, { once: true });
  });
  addEventListener('pageshow', (event) => { if (event.persisted) $$('form[data-sent]').forEach((form) => { delete form.dataset.sent; }); });

  // Toasts: leave by themselves, wait while somebody points at them; of more than two the oldest without an Undo go ---
  setInterval(() => $$('[data-toast]').filter((toast) => !$('[data-count]', toast)).slice(0, Math.max(0, $$('[data-toast]').length - 2)).forEach((toast) => toast.remove()), 300);
  setInterval(() => $$('[data-toast]').forEach((toast) => {
    if (toast.matches(':hover, :focus-within') && !$('[data-count]', toast)) return;
    const left = Number(toast.dataset.toast) - 1;
    toast.dataset.toast = left;
    const count = $('[data-count]', toast);
    if (count) count.textContent = `${Math.max(left, 0)} s`;
    if (left <= 0) toast.remove();
  }), 1000);

  // Empty filters stay out of the address
  document.addEventListener('htmx:configRequest', (event) => {
    const data = event.detail.formData;
    [...data].forEach(([name, value]) => { if (value === '') data.delete(name); });
  });

  // A tab that nobody sees asks for nothing; as soon as it is seen, it asks: hx-trigger has "seen from:body" -----------
  document.addEventListener('htmx:beforeRequest', (event) => { if (document.hidden) event.preventDefault(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) document.body.dispatchEvent(new Event('seen')); });

  // An answer from another address (sign-in) becomes a full page ------------------------------------------------------
  document.addEventListener('htmx:beforeSwap', (event) => {
    const answered = event.detail.xhr.responseURL, asked = new URL(event.detail.pathInfo.finalRequestPath, location);
    if (answered && new URL(answered).pathname !== asked.pathname) { event.detail.shouldSwap = false; location.assign(answered); }
  });

  const ready = () => {
    $$('[data-help]').forEach((button) => { button.hidden = false; });
    const error = $('[data-focus]');
    if (error) error.focus();
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', ready); else ready();
})();
