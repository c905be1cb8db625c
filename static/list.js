/* What a list gains with JavaScript: a cursor (J K), Enter opens, Space peeks, X ticks, C claims; choices that apply at once;
   and a list that says what changed without moving. Everything else is plain links and forms. */
(() => {
  'use strict';
  const { $, $$, announce, visible } = desk;
  const rows = () => $$('tr[data-row]');
  const current = () => $('tr.is-cursor');
  const peek = () => $('#peek');
  // What a newer question replaced was not answered, and that is no error.
  const ask = (...question) => htmx.ajax(...question).catch(() => {});
  const address = (changes) => { const url = new URL(location); Object.entries(changes).forEach(([name, value]) => url.searchParams.set(name, value)); return url.pathname + url.search; };

  // The cursor -------------------------------------------------------------------------------------------------
  function put(row, focus = true) {
    rows().forEach((one) => one.classList.toggle('is-cursor', one === row));
    const link = $('a', row);
    if (link && focus) link.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }
  function move(step) {
    const all = rows(), at = all.indexOf(current());
    put(all[Math.max(0, Math.min(all.length - 1, at + step))]);
    if (peek() && !peek().hidden) look();
  }

  // Peek: the facts of a row beside the list ---------------------------------------------------------------------
  function look() {
    const panel = peek();
    if (!panel || !current()) return;
    panel.hidden = false;
    ask('GET', address({ peek: current().dataset.row }), { source: panel, target: panel });
  }
  function close() {
    const panel = peek();
    if (!panel || panel.hidden) return false;
    panel.hidden = true;
    panel.replaceChildren();
    if (current()) put(current());
    return true;
  }

  // Ticked rows: counted by the server, in the bar that stands in the place of the foot -----------------------------
  let whole = false;
  const boxes = () => $$('input[name=pick]');
  function count() {
    const bar = $('#bulk-bar'), picked = boxes().filter((box) => box.checked), page = $('[data-pick-all]');
    if (!bar) return;
    if (picked.length < boxes().length) whole = false;
    if (page) { page.checked = picked.length === boxes().length; page.indeterminate = !!picked.length && !page.checked; }
    bar.hidden = !picked.length;
    $('#foot').hidden = !!picked.length;
    if (!picked.length) { bar.replaceChildren(); return; }
    ask('POST', location.pathname + location.search, { source: bar, target: bar, values: { pick: picked.map((box) => box.value), ...(whole ? { whole: '1' } : {}) } });
  }
  function tick(which, on) {
    which.forEach((box) => { box.checked = on; });
    count();
  }
  function untick() {
    if (!boxes().some((box) => box.checked)) return false;
    whole = false;
    tick(boxes(), false);
    return true;
  }

  // Keys ----------------------------------------------------------------------------------------------------------
  let shift = false;
  document.addEventListener('keydown', (event) => { shift = event.shiftKey; }, true);
  const claims = () => ($('#list') || {}).dataset?.claim;
  // The answer holds what stands on the page: the cell of the owner, where that column is shown, and the peek.
  function claim() {
    const key = current().dataset.row, there = (id) => (document.getElementById(id) ? '1' : '');
    ask('POST', claims().replace('KEY', key), { source: document.body, swap: 'none', values: { cell: there(`c-${key}-owner`), peek: there('peek-owner') } });
  }
  desk.onKey((key) => {
    if (!rows().length) return false;
    const box = current() && $('input[name=pick]', current());
    if (key === 'j' || key === 'k') {
      const from = shift && box;
      move(key === 'j' ? 1 : -1);
      const to = from && $('input[name=pick]', current());
      if (to) tick([box, to], true);
      return true;
    }
    if (!current()) return false;
    if (key === ' ' && peek()) {
      if (document.activeElement.matches('button, summary, input')) return 'leave';
      if (!close()) look();
      return true;
    }
    if (key === 'x' && box) { tick([box], !box.checked); return true; }
    if (key === 'c' && claims()) { claim(); return true; }
    return false;
  });
  desk.onEscape(() => close() || untick());
  desk.onHelp(() => (rows().length ? [
    ['Next row, previous row', 'J K'], ...($('tr[data-row] a') ? [['Open the row', 'Enter']] : []),
    ...(peek() ? [['Peek at the row', 'Space']] : []),
    ...(boxes().length ? [['Select the row', 'X'], ['Select on the way', 'Shift+J Shift+K']] : []),
    ...(claims() ? [['Claim the row', 'C']] : []),
  ] : []));

  document.addEventListener('click', (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on('[data-peek-close]')) close();
    if (on('[data-pick-none]')) untick();
    if (on('[data-claim-row]') && current()) claim();
    if (on('[data-pick-whole]')) { whole = true; tick(boxes(), true); }
    if (on('[data-live-pause]')) { paused = !paused; tell(); if (!paused) htmx.trigger('#live', 'live:now'); }
    if (on('[data-live-retry]')) htmx.trigger('#live', 'live:now');
    const row = on('tr[data-row]');
    if (row && !on('a, button, input, label, summary, .pick') && !String(getSelection())) {
      const link = $('a', row);
      if (link && (event.ctrlKey || event.metaKey)) open(link.href); else if (link) link.click();
    }
  });
  document.addEventListener('auxclick', (event) => {
    const row = event.button === 1 && !event.target.closest('a, button, input') && event.target.closest('tr[data-row]');
    if (row && $('a', row)) open($('a', row).href);
  });
  // A row whose state changed says so for a moment; its words say what.
  document.addEventListener('htmx:oobAfterSwap', ({ target }) => {
    const row = target.id.startsWith('c-') && target.closest('tr[data-row]');
    if (!row) return;
    row.classList.add('is-news');
    setTimeout(() => row.classList.remove('is-news'), 700);
  });
  document.addEventListener('change', (event) => {
    const box = event.target;
    if (box.name === 'pick') count();
    if (box.matches('[data-pick-all]')) tick(boxes(), box.checked);
    const form = box.closest('[data-at-once]');
    if (form) form.requestSubmit();
  });

  // The menu of views: the open one has the focus, arrows go on --------------------------------------------------------
  const views = () => $$('#all-views nav a');
  document.addEventListener('toggle', (event) => { if (event.target.id === 'all-views' && event.target.open) (views().find((one) => one.ariaCurrent) || views()[0]).focus(); }, true);
  document.addEventListener('keydown', (event) => {
    const at = views().indexOf(event.target), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    views()[(at + step + views().length) % views().length].focus();
  });

  // The filter menu: type to find a field -------------------------------------------------------------------------------
  const fields = () => $$('.filter-field').filter(visible);
  document.addEventListener('toggle', (event) => {
    const find = event.target.id === 'filter-menu' && event.target.open && $('[data-find-field]');
    if (find) { find.value = ''; find.dispatchEvent(new Event('input', { bubbles: true })); find.focus(); }
  }, true);
  document.addEventListener('input', (event) => {
    if (!event.target.matches('[data-find-field]')) return;
    const wanted = event.target.value.trim().toLowerCase();
    $$('.filter-field').forEach((field) => { field.hidden = !field.dataset.field.toLowerCase().includes(wanted); });
  });
  document.addEventListener('keydown', (event) => {
    const find = event.target.matches('[data-find-field]'), summary = event.target.matches('.filter-field > summary');
    if (!find && !summary) return;
    const all = fields(), at = all.indexOf(event.target.parentElement), to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (find && event.key === 'Enter') {
      event.preventDefault();
      if (!all.length) return;
      all[0].open = true;
      $('a, input:not([type=hidden]), select', all[0]).focus();
    } else if (to !== undefined) {
      event.preventDefault();
      if (to < 0) $('[data-find-field]').focus(); else if (all[to]) $('summary', all[to]).focus();
    }
  });

  // Live: what changed, unless it is paused ---------------------------------------------------------------------------------
  let paused = false, misses = 0, answered = '', told = 0;
  function tell() {
    const live = $('#live');
    if (!live) return;
    const button = $('[data-live-pause]', live), off = misses > 1 && !paused;
    if (answered) $('[data-live-at]', live).textContent = answered; else answered = $('[data-live-at]', live).textContent;
    $('[data-live-words]', live).textContent = paused ? 'Paused' : 'Live';
    button.setAttribute('aria-pressed', String(paused));
    button.hidden = off;
    $('[data-live-off]', live).hidden = !off;
    $('[data-live-since]', live).textContent = answered.slice(0, 5);
  }
  const of = (event, id) => event.detail.requestConfig?.elt?.id === id;
  const loads = (event) => event.detail.target?.id === 'list';
  let slow = 0, busy = 0;
  const settled = () => { clearTimeout(slow); clearTimeout(busy); $('#list')?.removeAttribute('aria-busy'); };
  const trouble = (kind) => {
    const box = $('[data-trouble]');
    if (!box) return;
    box.hidden = !kind;
    ['late', 'failed'].forEach((one) => { $(`[data-trouble-${one}]`, box).hidden = one !== kind; });
  };
  document.addEventListener('htmx:beforeRequest', (event) => {
    if (of(event, 'live')) { if (paused || $('details.menu[open], dialog[open]')) event.preventDefault(); } else if (loads(event)) {
      settled();
      busy = setTimeout(() => $('#list').setAttribute('aria-busy', 'true'), 300);
      slow = setTimeout(() => trouble('late'), 2000);
    }
  });
  document.addEventListener('htmx:afterRequest', (event) => {
    if (loads(event)) { settled(); trouble(event.detail.successful ? '' : 'failed'); }
    if (!of(event, 'live')) return;
    misses = event.detail.successful ? 0 : misses + 1;
    if (event.detail.successful) answered = event.detail.xhr.getResponseHeader('X-Live-At') || answered;
    tell();
    const fresh = Number($('#live')?.dataset.new || 0);
    if (fresh > told) announce(`${fresh} new`);
    told = fresh;
  });

  // A swapped list keeps the cursor on its row, its column menu open, and the focus on what was used; nothing stays ticked ------
  let kept = {};
  document.addEventListener('htmx:beforeSwap', (event) => {
    if (!loads(event)) return;
    const at = document.activeElement;
    kept = { row: current()?.dataset.row, menu: !!$('#column-menu')?.open, used: !!at.closest('#list') && !at.closest('tr[data-row]'), focus: at.id, from: at.closest('details.menu')?.id };
  });
  // What was used is gone: what opened it, or else the heading of the list.
  function refocus() {
    const again = [kept.focus, (kept.focus || '').replace(/^up-|^down-/, 'col-')].map((id) => document.getElementById(id)).find(visible);
    const to = again || (kept.from && $(`#${kept.from} > summary`)) || $('main h1');
    if (to.matches('h1')) to.tabIndex = -1;
    to.focus({ preventScroll: true });
  }
  document.addEventListener('htmx:afterSwap', (event) => {
    if (!loads(event) && event.target.id !== 'list') return;
    ready();
    announce($('#list [data-words]').textContent);
  });
  function ready() {
    $$('[data-script-only], [data-find-field], [data-pick-all]').forEach((one) => { one.hidden = false; });
    $$('.no-script').forEach((one) => { one.hidden = true; });
    whole = false;
    misses = told = 0;
    answered = '';
    tell();
    const row = rows().find((one) => one.dataset.row === kept.row);
    if (kept.menu && $('#column-menu')) $('#column-menu').open = true;
    if (row) put(row, !kept.used);
    if (kept.used) refocus();
    kept = {};
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', ready); else ready();
})();
