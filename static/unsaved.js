/* What was typed and not sent is not lost without a word: the browser asks before the page is left, and the page takes
   nothing new in the place of it. */
(() => {
  'use strict';
  const { $$ } = desk;
  const typed = (field) => (field.matches('textarea') ? field.value.trim() !== '' : field.value !== field.defaultValue);
  const unsaved = () => $$('form[method=post]:not([data-sent]) textarea, form[method=post]:not([data-sent]) [data-sheet] input[type=text]').some(typed);
  addEventListener('beforeunload', (event) => { if (unsaved()) event.preventDefault(); });
  document.addEventListener('htmx:beforeRequest', (event) => { if (event.detail.elt.matches('[data-patient]') && unsaved()) event.preventDefault(); });
})();
