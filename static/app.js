/* What a page gains with JavaScript: keys, decision sheets, copy buttons, toasts. Everything also works without it.
   data-key="a"      the key that clicks this          data-key-focus="/"  the key that focuses this
   data-opens="id"   opens the decision sheet #sheet-id
   data-says="x"     shown while the choice x of its sheet is made
   data-copy="text"  copies the text                   data-toast="6"      leaves after so many seconds */
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const announce = (text) => { const box = $('#announcer'); if (box) { box.textContent = ''; setTimeout(() => { box.textContent = text; }, 50); } };
  const visible = (element) => !!element && element.getClientRects().length > 0;
  const typing = (element) => element.matches('textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio]):not([type=button])');

  // Decision sheets ---------------------------------------------------------------------------------
  let opener = null;
  const openSheet = () => $('[data-sheet]:not([hidden])');
  function show(name, trigger) {
    const sheet = $(`#sheet-${CSS.escape(name)}`);
    if (!sheet) return false;
    hide();
    opener = trigger;
    sheet.hidden = sheet.disabled = false;
    const idle = $('[data-idle]');
    if (idle) idle.hidden = true;
    const first = $('[aria-invalid=true], input[type=radio], textarea, input:not([type=hidden]), [data-commit]', sheet);
    if (first) first.focus();
    return true;
  }
  function hide() {
    const sheet = openSheet();
    if (!sheet) return false;
    sheet.hidden = sheet.disabled = true;
    const idle = $('[data-idle]');
    if (idle) idle.hidden = false;
    if (opener) opener.focus();
    opener = null;
    return true;
  }

  function say(sheet) {
    const made = $('input[type=radio]:checked', sheet);
    $$('[data-says]', sheet).forEach((text) => { text.hidden = text.dataset.says !== (made ? made.value : ''); });
  }
  document.addEventListener('change', (event) => { const sheet = event.target.closest('[data-sheet]'); if (sheet) say(sheet); });

  // Rows of a list: J and K move, Enter opens ---------------------------------------------------------
  const rows = () => $$('tr[data-row]');
  let cursor = -1;
  function move(step) {
    const all = rows();
    if (!all.length) return;
    cursor = Math.max(0, Math.min(all.length - 1, cursor + step));
    all.forEach((row, i) => row.classList.toggle('is-cursor', i === cursor));
    const link = $('a', all[cursor]);
    if (link) link.focus({ preventScroll: true });
    all[cursor].scrollIntoView({ block: 'nearest' });
  }

  // Keys ------------------------------------------------------------------------------------------------
  const keyed = (key) => $$(`[data-key="${CSS.escape(key)}"]`).find(visible);
  function help() {
    const dialog = $('#keys');
    if (!dialog || dialog.open) return;
    const lines = [['Find', 'Ctrl K'], ['Close, back one step', 'Esc'], ['Collapse the menu', '[']];
    if (rows().length) lines.push(['Next row, previous row', 'J K'], ['Open the row', 'Enter']);
    $$('[data-key-focus]').filter(visible).forEach((field) => lines.push([field.getAttribute('aria-label'), field.dataset.keyFocus]));
    $$('[data-key]').filter(visible).forEach((control) => {
      const text = control.getAttribute('aria-label') || [...control.childNodes].filter((node) => node.nodeName !== 'KBD').map((node) => node.textContent).join('');
      lines.push([text.trim(), control.dataset.key.toUpperCase()]);
    });
    if ($('[data-sheet]')) lines.push(['Choose a reason', '1–8'], ['Send the decision', 'Ctrl Enter']);
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
    const sheet = openSheet();
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === 'k' && $('#find')) { take(); $('#find').focus(); return; }
    if ((event.ctrlKey || event.metaKey) && key === 'Enter' && sheet) { take(); const commit = $('[data-commit]', sheet); commit.form.requestSubmit(commit); return; }
    if (key === 'Escape') {
      const menu = $('details.menu[open]');
      if (menu) { menu.open = false; $('summary', menu).focus(); } else if (!hide() && typing(target)) target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(target) || $('dialog[open]')) return;
    if (document.documentElement.dataset.shortcuts === 'off') return;
    if (sheet) {
      const choices = $$('input[type=radio]', sheet);
      if (/^[1-9]$/.test(key) && choices[key - 1]) { take(); choices[key - 1].checked = true; choices[key - 1].focus(); say(sheet); }
      return;
    }
    const low = key.toLowerCase();
    if (rows().length && (low === 'j' || low === 'k')) { take(); move(low === 'j' ? 1 : -1); return; }
    if (key === '[') { const shell = $('.shell'); if (shell) shell.classList.toggle('is-rail'); return; }
    const field = $$(`[data-key-focus="${CSS.escape(key)}"]`).find(visible);
    if (field) { take(); field.focus(); field.select(); return; }
    const control = keyed(low);
    if (control) { take(); control.click(); }
  });

  // Clicks -------------------------------------------------------------------------------------------------
  document.addEventListener('click', (event) => {
    const on = (selector) => event.target.closest(selector);
    const opens = on('[data-opens]');
    if (opens && !event.ctrlKey && !event.metaKey && show(opens.dataset.opens, opens)) { event.preventDefault(); return; }
    if (on('[data-cancel]')) hide();
    if (on('[data-help]')) help();
    if (on('[data-close]')) on('dialog').close();
    if (on('[data-dismiss]')) on('[data-toast]').remove();
    const copy = on('[data-copy]');
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => announce(`Copied ${copy.dataset.copy}`), () => announce('Could not copy'));
    $$('details.menu[open]').forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const row = on('tr[data-row]');
    if (row && !on('a, button, input, label, summary') && !String(getSelection())) { const link = $('a', row); if (link) link.click(); }
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

  // Swapped lists start with a fresh cursor; an answer from another address (sign-in) becomes a full page ----------
  document.addEventListener('htmx:beforeSwap', (event) => {
    const answered = event.detail.xhr.responseURL;
    if (answered && new URL(answered).pathname !== location.pathname) { event.detail.shouldSwap = false; location.assign(answered); }
  });
  document.addEventListener('htmx:afterSwap', () => { cursor = -1; });

  const ready = () => {
    $$('[data-help]').forEach((button) => { button.hidden = false; });
    const error = $('[data-focus]');
    if (error) error.focus();
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', ready); else ready();
})();
