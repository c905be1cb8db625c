/* Who is at the desk: a session that ended, or a proof that is due, is asked for over the page, so that what was typed
   survives; a warning before nobody's session ends; passkeys. Without this file the same pages come one after the other.
   button[data-shows="id"]           shows what is typed into a password field
   form[data-passkey="/options/"]   sends what a passkey answers    form[data-leaves]   is sent without asking first */
(() => {
  'use strict';
  const { $, $$, announce } = desk;
  const page = document.body.dataset;
  const WARN = 120;
  const inside = !!page.me && !!$('#proof'); // not on the pages of the sign-in itself

  // Passkeys: the form shows where there are any, asks the browser, and sends the answer ------------------------------
  const able = () => !!(window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON);
  const offer = (root) => { $$('[data-shows]', root).forEach((button) => { button.hidden = false; }); if (able()) $$('form[data-passkey]', root).forEach((form) => { form.hidden = false; }); };
  async function answer(form) {
    const token = $('[name=csrfmiddlewaretoken]', form).value;
    const asked = await fetch(form.dataset.passkey, { method: 'POST', headers: { 'X-CSRFToken': token } });
    if (!asked.ok) throw new Error(asked.status);
    const options = await asked.json();
    const made = options.rp
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    $('[data-answer], [name=passkey]', form).value = JSON.stringify(made.toJSON());
  }

  // A password that is typed blindly is typed twice.
  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-shows]');
    if (!button) return;
    const field = document.getElementById(button.dataset.shows), hidden = field.type === 'password';
    field.type = hidden ? 'text' : 'password';
    button.textContent = hidden ? 'Hide' : 'Show';
    field.focus();
  });

  // What a page may send now: asked of the server before it is sent --------------------------------------------------
  const address = (act) => `${page.session}?me=${page.me}${act ? `&act=${encodeURIComponent(act)}` : ''}`;
  function renew(response) {
    const token = response.headers.get('X-CSRFToken');
    if (!token) return;
    $$('[name=csrfmiddlewaretoken]').forEach((field) => { field.value = token; });
    document.body.setAttribute('hx-headers', JSON.stringify({ 'X-CSRFToken': token }));
  }
  let resume = null;
  async function show(response) {
    const dialog = $('#proof'), box = $('div', dialog);
    const parts = $('main', new DOMParser().parseFromString(await response.text(), 'text/html'));
    $$('.brand', parts).forEach((brand) => brand.remove());
    box.replaceChildren(...parts.childNodes);
    offer(box);
    if (!dialog.open) dialog.showModal();
    const first = $('[data-focus]', box) || $('input:not([type=hidden])', box);
    if (first) first.focus();
  }
  async function settled(response) {
    if (response.status === 409) { location.reload(); return; }
    if (response.status !== 204) { await show(response); return; }
    renew(response);
    if ($('#proof').open) { $('#proof').close(); announce('Signed in. You can go on.'); }
    const go = resume;
    resume = null;
    if (go) go();
  }
  const ask = (act) => fetch(address(act), { headers: act === undefined ? { 'X-Idle': '1' } : {} });

  document.addEventListener('submit', (event) => {
    const form = event.target, submitter = event.submitter;
    const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
    const send = () => { form.dataset.asked = '1'; form.requestSubmit(submitter && submitter.form === form ? submitter : undefined); };
    if (form.dataset.asked) { delete form.dataset.asked; if (!form.closest('#proof')) return; }
    if (form.dataset.passkey && !$('[data-answer], [name=passkey]', form).value) {
      stop();
      answer(form).then(send, () => announce('The passkey was not used.'));
    } else if (form.closest('#proof')) {
      stop();
      fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).then(settled);
    } else if (inside && form.method === 'post' && !('leaves' in form.dataset) && !form.dataset.asking) {
      stop();
      form.dataset.asking = '1';
      const target = new URL((submitter && submitter.getAttribute('formaction')) || form.getAttribute('action') || location.href, location.href);
      resume = send;
      ask(target.pathname + target.search).then(settled, send).finally(() => { delete form.dataset.asking; });
    } else if (form.dataset.asking) stop();
  }, true);
  document.addEventListener('htmx:responseError', (event) => { if (event.detail.xhr.status === 401 && inside && !$('#proof').open) ask().then(settled); });

  // Nobody there: polls say so, work says so once a minute, and two minutes before the end a question -----------------
  let told = Date.now(), end = Date.now() + page.idleSeconds * 1000, busy = false;
  const seen = (response) => { end = Date.now() + Number(response.headers.get('X-Left') || 0) * 1000; };
  document.addEventListener('htmx:configRequest', (event) => { if (desk.touched <= told) event.detail.headers['X-Idle'] = '1'; else told = Date.now(); });
  async function stay() {
    told = Date.now();
    const response = await fetch(address(), { method: 'POST', headers: { 'X-CSRFToken': $('[name=csrfmiddlewaretoken]').value } });
    if (response.status === 204) seen(response);
    if ($('#idle').open) $('#idle').close();
    await settled(response);
  }
  async function watch() {
    const idle = $('#idle'), left = (end - Date.now()) / 1000;
    if (busy || $('#proof').open) return;
    busy = true;
    try {
      if (desk.touched > told && Date.now() - told > 60000) await stay();
      else if (left <= WARN && (!idle.open || left <= 0)) {
        const response = await ask();
        if (response.status === 204) seen(response);
        const after = (end - Date.now()) / 1000;
        if (response.status !== 204) { if (idle.open) idle.close(); await settled(response); } else if (after <= WARN && !idle.open) idle.showModal();
        else if (after > WARN && idle.open) idle.close();
      }
    } catch { /* the network is down: what is sent then says so itself */ } finally { busy = false; }
  }
  if (inside) setInterval(watch, 1000);
  document.addEventListener('click', (event) => {
    if (event.target.closest('.is-stay')) stay();
    if (event.target.closest('[data-print]')) print();
  });
  document.addEventListener('close', (event) => { if (event.target.id === 'proof') { resume = null; $('div', event.target).replaceChildren(); } }, true);
  offer(document);
})();
