/* What was typed and not sent is not lost without a word: the browser asks before the page is left. */
(() => {
  'use strict';
  const { $$ } = desk;
  const typed = (field) => (field.matches('textarea') ? field.value.trim() !== '' : field.value !== field.defaultValue);
  addEventListener('beforeunload', (event) => {
    const fields = $$('form[method=post]:not([data-sent]) textarea, form[method=post]:not([data-sent]) [data-sheet] input[type=text]');
    if (fields.some(typed)) event.preventDefault();
  });
})();
