/* What a decision gains with JavaScript: its sheets open above the bar, reasons are on digits.
   data-opens="id"   opens the decision sheet #sheet-id      data-says="x"   shown while the choice x of its sheet is made */
(() => {
  'use strict';
  const { $, $$ } = desk;
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

  desk.onKey((key) => {
    const sheet = openSheet();
    if (!sheet) return false;
    const choices = $$('input[type=radio]', sheet);
    if (!/^[1-9]$/.test(key) || !choices[key - 1]) return 'leave';
    choices[key - 1].checked = true;
    choices[key - 1].focus();
    say(sheet);
    return true;
  });
  desk.onEscape(hide);
  desk.onHelp(() => ($('[data-sheet]') ? [['Choose a reason', '1–8'], ['Send the decision', 'Ctrl Enter']] : []));
  document.addEventListener('keydown', (event) => {
    const sheet = openSheet();
    if (!sheet || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const commit = $('[data-commit]', sheet);
    commit.form.requestSubmit(commit);
  });
  document.addEventListener('click', (event) => {
    const opens = event.target.closest('[data-opens]');
    if (opens && !event.ctrlKey && !event.metaKey && show(opens.dataset.opens, opens)) event.preventDefault();
    if (event.target.closest('[data-cancel]')) hide();
  });
})();
