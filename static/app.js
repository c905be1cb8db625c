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
    onKey: (take) => takers.push(take), // take(key) of keys outside fields: true takes it, 'leave' leaves it to the browser alone
    onEscape: (close) => escapes.push(close), // close() answers whether it closed something
    onHelp: (lines) => explained.push(lines), // lines() for the list of keys: [does, keys]
  };
  const keyed = (key) => $$(`[data-key="${CSS.escape(key)}"]`).find(visible);
  function help() {
    const dialog = $('#keys');
    if (!dialog || dialog.open) return;
    const lines = [['Find', 'Ctrl K'], ['Close, back one step', 'Esc'], ['Collapse the menu', '[']];
    if ($('[data-commits]')) lines.push([$('[data-commits]').dataset.commits, 'Ctrl Enter']);
    explained.forEach((more) => lines.push(...more()));
    $$('[data-key-focus]').filter(visible).forEach((field) => lines.push([field.getAttribute('aria-label'), field.dataset.keyFocus]));
    $$('[data-key]').filter(visible).forEach((control) => {
      const text = control.getAttribute('aria-label') || [...control.childNodes].filter((node) => node.nodeName !== 'KBD').map((node) => node.textContent).join('');
      lines.push([text.trim(), control.dataset.key.toUpperCase()]);
    });
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
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === 'k' && $('#find')) { take(); $('#find').focus(); return; }
    const commit = (event.ctrlKey || event.metaKey) && key === 'Enter' && $('[data-commits]');
    if (commit) { take(); commit.form.requestSubmit(commit); return; }
    if (key === 'Escape') {
      const menu = $('details.menu[open]');
      if (menu) { menu.open = false; $('summary', menu).focus(); } else if (!escapes.some((close) => close()) && typing(target)) target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(target) || $('dialog[open]')) return;
    if (document.documentElement.dataset.shortcuts === 'off') return;
    const low = key.toLowerCase();
    for (const page of takers) {
      const answer = page(low);
      if (answer === true) take();
      if (answer) return;
    }
    if (key === '[') { const shell = $('.shell'); if (shell) shell.classList.toggle('is-rail'); return; }
    const field = $$(`[data-key-focus="${CSS.escape(key)}"]`).find(visible);
    if (field) { take(); field.focus(); field.select(); return; }
    const control = keyed(low);
    if (control) { take(); control.click(); }
  });

  // Clicks -------------------------------------------------------------------------------------------------
  document.addEventListener('click', (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on('[data-help]')) help();
    if (on('[data-close]')) on('dialog').close();
    if (on('[data-dismiss]')) on('[data-toast]').remove();
    const copy = on('[data-copy]');
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => announce(`Copied ${copy.dataset.copy}`), () => announce('Could not copy'));
    $$('details.menu[open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  // Forms: sent once -------------------------------------------------------------------------------------------
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method !== 'post') return;
    form.dataset.sent = '1';
    const button = event.submitter;
    if (button) setTimeout(() => { button.setAttribute('aria-disabled', 'true'); if (button.dataset.busy) button.textContent = button.dataset.busy; }, 300);
  });
  addEventListener('pageshow', (event) => { if (event.persisted) $$('form[data-sent]').forEach((form) => { delete form.dataset.sent; }); });

  // Toasts: leave by themselves, wait while somebody points at them ---------------------------------------------
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
