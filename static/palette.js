/* The command palette: a combobox over what the server finds, and over the actions that this page offers itself.
   And the keys that go to a page: G, then the key of a line of the menu (data-go). */
(() => {
  'use strict';
  const { $, $$, visible } = desk;
  const dialog = $('#palette'), field = $('#palette-field'), find = $('#find');
  if (!dialog) return;
  const rows = () => $$('[role=option]', dialog);
  const actions = new Map();
  let at = -1;

  function clear() {
    at = -1;
    rows().forEach((row) => row.setAttribute('aria-selected', 'false'));
    field.removeAttribute('aria-activedescendant');
    field.setAttribute('aria-expanded', String(rows().length > 0));
  }
  function choose(next) {
    const all = rows();
    clear();
    if (!all.length) return;
    at = (next + all.length) % all.length;
    all[at].setAttribute('aria-selected', 'true');
    field.setAttribute('aria-activedescendant', all[at].id);
    all[at].scrollIntoView({ block: 'nearest' });
  }

  // What can be done here stands on the page already: its controls with a key or a sheet.
  const words = (control) => (control.getAttribute('aria-label') || [...control.childNodes].filter((node) => node.nodeName !== 'KBD').map((node) => node.textContent).join('')).trim();
  function offerActions() {
    const term = field.value.trim().toLowerCase();
    actions.clear();
    $$('main [data-key], main [data-opens]').filter(visible).forEach((control) => {
      if (term && words(control).toLowerCase().includes(term) && actions.size < 8) actions.set(`found-action-${actions.size}`, control);
    });
    if (!actions.size) return;
    let list = $('#found-list');
    if (!list) { list = Object.assign(document.createElement('div'), { id: 'found-list' }); list.setAttribute('role', 'listbox'); list.setAttribute('aria-label', 'Found'); $('#found').replaceChildren(list); }
    const group = document.createElement('div'), head = document.createElement('div');
    head.className = 'found-head'; head.id = 'found-actions'; head.textContent = 'Actions'; head.setAttribute('role', 'presentation');
    group.setAttribute('role', 'group'); group.setAttribute('aria-labelledby', head.id);
    group.append(head, ...[...actions].map(([id, control]) => {
      const row = Object.assign(document.createElement('button'), { id, className: 'found', type: 'button', tabIndex: -1, textContent: words(control) });
      row.setAttribute('role', 'option'); row.setAttribute('aria-selected', 'false');
      if (control.dataset.key) row.append(Object.assign(document.createElement('kbd'), { textContent: control.dataset.key.toUpperCase() }));
      return row;
    }));
    list.append(group);
  }

  function open() {
    if (dialog.open || $('dialog[open]')) return;
    field.value = find.value;
    dialog.showModal();
    field.focus();
    field.select();
    field.dispatchEvent(new Event('opened'));
  }
  find.addEventListener('click', open);
  find.addEventListener('input', () => { open(); field.setSelectionRange(field.value.length, field.value.length); });
  dialog.addEventListener('click', (event) => {
    const row = event.target.closest('[role=option]');
    if (event.target === dialog) dialog.close();
    if (!row || !actions.has(row.id)) return;
    const control = actions.get(row.id);
    dialog.close();
    control.click();
  });
  dialog.addEventListener('close', () => { find.value = ''; });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); choose(event.key === 'ArrowDown' ? at + 1 : Math.max(at, 0) - 1); }
    if (event.key === 'Enter' && at >= 0) { event.preventDefault(); rows()[at].click(); }
  });
  // What is being typed anew is not answered yet: Enter sends what stands in the field.
  field.addEventListener('input', clear);
  document.addEventListener('htmx:afterSwap', (event) => { if (event.detail.target.id === 'found') { offerActions(); clear(); } });

  let going = 0;
  desk.onKey((key) => {
    if (key === 'g' && $('[data-go]')) { going = Date.now(); return true; }
    if (Date.now() - going > 1500) return false;
    going = 0;
    const link = $(`[data-go="${CSS.escape(key)}"]`);
    if (link) link.click();
    return Boolean(link);
  });
})();
