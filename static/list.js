/* What a list gains with JavaScript: a cursor that moves with J and K, Enter opens, a click anywhere on a row opens it. */
(() => {
  'use strict';
  const { $, $$ } = desk;
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

  desk.onKey((key) => {
    if (!rows().length || (key !== 'j' && key !== 'k')) return false;
    move(key === 'j' ? 1 : -1);
    return true;
  });
  desk.onHelp(() => (rows().length ? [['Next row, previous row', 'J K'], ['Open the row', 'Enter']] : []));

  document.addEventListener('click', (event) => {
    const row = event.target.closest('tr[data-row]');
    if (row && !event.target.closest('a, button, input, label, summary') && !String(getSelection())) { const link = $('a', row); if (link) link.click(); }
  });

  // A swapped list starts with a fresh cursor.
  document.addEventListener('htmx:afterSwap', () => { cursor = -1; });
})();
