/* What a test asks the page itself; see test_screens.py. */
({
  /* Sentences about what is broken on any page; an empty list is good. */
  rules() {
  const broken = [];
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden';
  const name = (element) => `${element.tagName.toLowerCase()} "${(element.getAttribute('aria-label') || element.textContent).trim().slice(0, 40)}"`;
  if (document.documentElement.scrollWidth > innerWidth) broken.push(`the page scrolls sideways by ${document.documentElement.scrollWidth - innerWidth} px`);
  const first = [...document.querySelectorAll('h1')].filter((one) => !one.closest('.example')); // of the style guide
  if (first.length !== 1) broken.push(`${first.length} headings of the first level`);
  if (!/ · /.test(document.title)) broken.push(`the title is only "${document.title}"`);
  for (const landmark of document.querySelector('.shell') ? ['main', 'nav', 'header'] : ['main']) if (!document.querySelector(landmark)) broken.push(`there is no ${landmark}`);
  if (!document.documentElement.lang) broken.push('the language is not said');
  for (const control of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
    if (!shown(control)) continue;
    const named = control.getAttribute('aria-label') || control.getAttribute('aria-labelledby') || control.textContent.trim() || (control.labels && control.labels.length);
    if (!named) broken.push(`no name: ${control.outerHTML.slice(0, 90)}`);
    if (control.matches('button[disabled], [aria-disabled=true]') && !control.getAttribute('aria-describedby')) broken.push(`disabled without a reason: ${name(control)}`);
    const box = control.getBoundingClientRect();
    const inSentence = control.matches('p a, li a, dd a, td a, .notice a, .toast a, .hint a, label *, .segments input');
    if (!inSentence && !control.matches('.skip, [type=radio], [type=checkbox]') && (box.height < 23.5 || box.width < 23.5)) broken.push(`smaller than 24 px: ${name(control)} ${Math.round(box.width)}x${Math.round(box.height)}`);
  }
  for (const amount of document.querySelectorAll('.money')) {
    const text = amount.textContent.replace(/\s+/g, ' ').trim();
    if (!/^(≈ ?)?[+\u2212]? ?(([€£$])\d[\d,]*\.\d\d|[A-Z]{3,5} ?[+\u2212]? ?\d[\d,]*(\.\d{2,9})?)$/.test(text)) broken.push(`no amount of money: "${text}"`);
  }
  // Outside of .money too: in sentences, in buttons. And a time is a <time>, unless a sentence says all of it, with its day.
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const around = node.parentElement, text = node.textContent;
    if (!around.checkVisibility() || around.closest('script, textarea, svg, .money, .example')) continue;
    for (const amount of text.match(/[€£$]\s?[\d.,]*\d/g) || []) if (!/^[€£$]\d{1,3}(,\d{3})*\.\d\d$/.test(amount)) broken.push(`no whole amount: "${amount}" in "${text.trim().slice(0, 60)}"`);
    const times = text.replace(/\d{1,2} [A-Z][a-z]+( \d{4})?,?( at)? \d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d/g, '').match(/\b\d\d:\d\d\b|\b\d+ (min|h|d) ago\b/g);
    if (times && !around.closest('time, .live, figure, option')) broken.push(`a time outside <time>: "${times[0]}" in "${text.trim().slice(0, 60)}"`);
  }
  for (const cell of document.querySelectorAll('.data tbody :is(td, th)')) {
    const end = cell.getBoundingClientRect().right + 1;
    for (const one of cell.querySelectorAll('.money, .state, .risk, .due, time, .ref')) if (shown(one) && one.getBoundingClientRect().right > end) broken.push(`cut: "${cell.innerText}"`);
  }
  for (const time of document.querySelectorAll('time')) if (!time.dateTime) broken.push(`a time without its machine form: ${time.outerHTML.slice(0, 80)}`);
  const placeholder = document.body.innerText.match(/.{0,30}\b(None(?! of| has|:)|N\/A|undefined|NaN)\b.{0,30}/);
  if (placeholder) broken.push(`a placeholder: ${placeholder[0]}`);
  return broken;
},

  /* Listen to the focus from the top of the page, or of a part; return how many times Tab must be pressed. */
  watchFocus(part) {
    if (document.activeElement) document.activeElement.blur();
    this.visited = new Map();
    document.addEventListener('focusin', ({ target }) => this.visited.set(target, this.focused(target)));
    const stops = this.stops(part);
    this.begun = new Set(stops);
    if (part) stops[0]?.focus();
    return part ? stops.length : stops.length + 8; // a part that scrolls takes the focus too
  },

  /* What Tab should reach; of radio buttons with one name, one. */
  stops(part) {
    const names = new Set(), top = document.querySelector('dialog:modal') || document.querySelector(part || 'html');
    return [...top.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter((one) => {
      if (one.disabled || one.tabIndex < 0 || one.type === 'hidden' || !one.checkVisibility({ visibilityProperty: true }) || one.closest('[inert]')) return false;
      if (one.type !== 'radio') return true;
      const group = `${one.form && one.form.id} ${one.name}`;
      return !names.has(group) && names.add(group);
    });
  },

  /* What is wrong with how an element shows that it has the focus. */
  focused(at) {
    const box = at.getBoundingClientRect(), label = at.labels && at.labels[0];
    const on = document.elementFromPoint(box.x + Math.min(box.width / 2, 40), box.y + Math.min(box.height / 2, 12));
    const marked = [at, label].some((one) => one && (getComputedStyle(one).boxShadow !== 'none' || getComputedStyle(one).outlineStyle !== 'none'));
    // A toast leaves by itself.
    const covered = on && !on.closest('.toast') && !at.contains(on) && !on.contains(at) && !(label && label.contains(on));
    return [...(marked ? [] : ['unseen']), ...(covered ? ['covered'] : [])];
  },

  lost(part) {
    const faults = [...this.visited].flatMap(([at, words]) => words.map((word) => `${word}: ${at.outerHTML.slice(0, 140)}`));
    const reached = (one) => this.visited.has(one) || (one.type === 'radio' && [...this.visited.keys()].some((at) => at.name === one.name));
    // What a poll has put there meanwhile stands where Tab has been already.
    return [...faults, ...this.stops(part).filter((one) => this.begun.has(one) && !reached(one)).map((one) => `never focused: ${one.outerHTML.slice(0, 140)}`)];
  },

  sideways() { return Math.max(0, document.documentElement.scrollWidth - innerWidth); },

  /* How much moved by itself since the page began to load. */
  shifts() {
    return new Promise((done) => {
      let sum = 0;
      new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.hadRecentInput ? 0 : one.value; }).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => done(Math.round(sum * 1000) / 1000), 100);
    });
  },

  cut() {
    const scrolls = (one) => !['visible', 'clip'].includes(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight + 1;
    return [...document.querySelectorAll('.panel, .cols, .table-wrap, main')].filter((one) => one.getClientRects().length && scrolls(one)).map((one) => one.className);
  },

  lengthen() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const text = node.textContent.trim();
      if (text.length > 2 && !/[0-9]/.test(text)) node.textContent = node.textContent.replace(text, `${text} ${'é'.repeat(Math.ceil(text.length * 0.4))}`);
    }
  },
})
