/* What a decision gains with JavaScript: its sheets open above the bar, reasons are on digits, the page stays true
   while it is open, and the claim lasts as long as somebody works on it.
   data-opens="id"   opens the decision sheet #sheet-id      data-says="x"   shown while the choice x of its sheet is made
   data-reasons       the same digits for reasons that always stand on the page
   #pulse             what is asked again (live.html); data-patient waits while somebody types or a sheet is open
   #bar-notice       what the bar must say; with data-blocks nothing can be sent any more (components.css) */
(() => {
  'use strict';
  const { $, $$, visible } = desk;
  let opener = '';
  const openSheet = () => $('[data-sheet]:not([hidden])');
  const first = (sheet) => $('[aria-invalid=true], input[type=radio], textarea, input:not([type=hidden]), [data-commit]', sheet);
  const idle = (shown) => { const bar = $('[data-idle]'); if (bar) bar.hidden = !shown; };
  function show(name) {
    const sheet = $(`#sheet-${CSS.escape(name)}`);
    if (!sheet) return false;
    hide();
    opener = name;
    sheet.hidden = sheet.disabled = false;
    idle(false);
    const field = first(sheet);
    if (field) field.focus();
    return true;
  }
  function hide() {
    const sheet = openSheet();
    if (!sheet) return false;
    sheet.hidden = sheet.disabled = true;
    idle(true);
    const back = $(`[data-opens="${CSS.escape(opener)}"]`);
    if (back) back.focus();
    return true;
  }
  function say(sheet) {
    const made = $('input[type=radio]:checked', sheet);
    $$('[data-says]', sheet).forEach((text) => { text.hidden = text.dataset.says !== (made ? made.value : ''); });
  }
  document.addEventListener('change', (event) => { const sheet = event.target.closest('[data-sheet], [data-reasons]'); if (sheet) say(sheet); });

  desk.onKey((key) => {
    const sheet = openSheet() || $('[data-reasons]');
    if (!sheet) return false;
    const choices = $$('input[type=radio]', sheet);
    if (!/^[1-9]$/.test(key) || !choices[key - 1]) return openSheet() ? 'leave' : false;
    choices[key - 1].checked = true;
    choices[key - 1].focus();
    say(sheet);
    return true;
  });
  desk.onEscape(hide);
  desk.onHelp(() => ($('[data-reasons]') ? [['Choose a reason', '1–8']] : []));
  desk.onHelp(() => ($('[data-sheet]') ? [['Choose a reason', '1–8'], ['Send the decision', 'Ctrl Enter']] : []));
  document.addEventListener('keydown', (event) => {
    const sheet = openSheet();
    if (!sheet || event.key !== 'Enter') return;
    const commit = $('[data-commit]', sheet);
    const chosen = sheet.matches('.bar') && event.target.matches('input[type=radio]');
    if (!(event.ctrlKey || event.metaKey || chosen)) return;
    event.preventDefault();
    if (visible(commit)) commit.click(); // htmx knows where to by the button that was clicked
  });
  document.addEventListener('click', (event) => {
    const opens = event.target.closest('[data-opens]');
    if (opens && !event.ctrlKey && !event.metaKey && show(opens.dataset.opens)) event.preventDefault();
    if (event.target.closest('[data-cancel]')) hide();
    if (event.target.closest('[data-stay]')) stay();
    if (event.target.closest('.print')) print();
  });

  // What was sent: an answer comes as a part of the page; without one nobody knows whether it arrived -----------------
  const isDecision = (event) => event.detail.elt && event.detail.elt.matches('[data-decision]');
  const lost = (shown) => { const box = $('[data-lost]'); if (box) box.hidden = !shown; };
  function again(form) { form.dispatchEvent(new Event('desk:again')); }
  document.addEventListener('htmx:afterRequest', (event) => {
    if (!isDecision(event)) return;
    const { xhr, elt } = event.detail;
    if (xhr.getResponseHeader('HX-Redirect')) return;
    lost(xhr.status === 0 || xhr.status >= 500);
    again(elt);
    if (xhr.status === 403) location.reload();
  });
  document.addEventListener('htmx:afterSettle', () => {
    const sheet = openSheet();
    if (sheet) { idle(false); say(sheet); const wrong = $('[aria-invalid=true], .error-summary', sheet); if (wrong && !sheet.contains(document.activeElement)) first(sheet).focus(); }
  });

  // Live: the page asks whether it is still true -----------------------------------------------------------------------
  const live = () => $('#pulse');
  let heard = Date.now();
  const busy = () => openSheet() || (document.activeElement && desk.typing(document.activeElement));
  document.addEventListener('htmx:beforeRequest', (event) => {
    const { elt } = event.detail;
    if (live() && live().contains(elt) && elt.matches('[data-patient]') && busy()) event.preventDefault();
  });
  document.addEventListener('htmx:afterRequest', (event) => {
    if (event.detail.elt && event.detail.elt.id === 'status-now' && event.detail.successful) heard = Date.now();
  });

  // The claim: kept while somebody is there, given back when they leave ----------------------------------------------------
  function tell(act) {
    const data = new FormData();
    data.append('csrfmiddlewaretoken', $('[name=csrfmiddlewaretoken]', live()).value);
    data.append('do', act);
    if (live().dataset.page) data.append('page', live().dataset.page);
    return data;
  }
  let told = Date.now();
  async function stay() {
    if (!live()) return;
    const headers = desk.touched > told ? {} : { 'X-Idle': '1' };
    told = Date.now();
    try {
      const answer = await fetch(live().dataset.claimUrl, { method: 'POST', headers, body: tell('stay') });
      const { until } = await answer.json();
      if (until) live().dataset.until = until;
    } catch { /* the next beat tries again, and the page says that it is not live */ }
    watch();
  }
  function watch() {
    if (!live()) return;
    const stale = $('[data-stale]'), ends = $('[data-claim-ends]');
    if (stale) {
      stale.hidden = Date.now() - heard < 60000;
      $('[data-since]', stale).textContent = new Date(heard).toLocaleTimeString([], { hour12: false });
    }
    if (ends && live().dataset.until) ends.hidden = Date.parse(live().dataset.until) - Date.now() > 120000;
  }
  addEventListener('pagehide', () => { if (live()) navigator.sendBeacon(live().dataset.claimUrl, tell('leave')); });
  addEventListener('pageshow', (event) => { if (event.persisted && live()) location.reload(); });
  document.body.addEventListener('seen', () => { heard = Math.max(heard, Date.now() - 50000); });
  desk.beat(30, stay);
  setInterval(watch, 1000);
  document.addEventListener('DOMContentLoaded', () => {
    stay();
    if (live()?.dataset.next) desk.announce(live().dataset.next);
  });
})();
